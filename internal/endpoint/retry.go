// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxAttempts = 5
	// fewAttempts is for errors that waiting seldom cures: a closed port, an unknown
	// host, and a 500, which at Quay often means a bad ID token.
	fewAttempts = 3
	firstWait   = 500 * time.Millisecond
	// patience is the least time for an attempt. In each exchange Quay fetches the
	// issuer's discovery document (limit 5 s) and its keys (no limit); answers after 40
	// s were seen.
	patience = 30 * time.Second
)

// Retry is a wait before another attempt.
type Retry struct {
	Name    string
	Attempt int // the one that is coming, from 2
	Of      int // how many there can be for this kind of trouble
	Wait    time.Duration
	Err     error // why
}

// StatusError is an answer with a status that is worth another attempt.
type StatusError struct {
	Answer *Answer
}

// Error names the status.
func (e *StatusError) Error() string {
	return fmt.Sprintf("HTTP %d %s", e.Answer.Status, http.StatusText(e.Answer.Status))
}

// Unreachable is the error of an endpoint that was not reached, is not trusted, or
// answered 408, 429 or 5xx to every attempt. Err is a [*StatusError], or an error of the
// network or of crypto/x509.
type Unreachable struct {
	Name     string
	Attempts int
	Err      error
}

// Error says what was asked, what came of it and how often.
func (u *Unreachable) Error() string {
	if u.Attempts == 1 {
		return fmt.Sprintf("%s: %v", u.Name, u.Err)
	}
	return fmt.Sprintf("%s: %v (tried %d times)", u.Name, u.Err, u.Attempts)
}

// Unwrap returns the last attempt's error.
func (u *Unreachable) Unwrap() error { return u.Err }

// Answer is the last answer, or nil if none came.
func (u *Unreachable) Answer() *Answer {
	var status *StatusError
	if errors.As(u.Err, &status) {
		return status.Answer
	}
	return nil
}

// final marks an error that another attempt cannot cure.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final marks err as one that another attempt cannot cure. [Client.Retry] returns it
// unmarked.
func Final(err error) error { return final{err} }

// Retry calls attempt until it succeeds, fails for good, or was called often enough for
// its kind of error: 5 times; 3 times for a 500, a refused connection and an unknown
// host; once for an untrusted certificate. With [Client.Once] it repeats only a dial
// that failed.
//
// It waits 0.5 s between two attempts, doubling, plus up to as much again at random.
// What Retry-After asks (RFC 9110, section 10.2.3) is the minimum. It does not begin a
// wait that would pass the deadline of ctx. An attempt gets 30 s or half of the
// remaining time, whichever is longer, but never more than the deadline leaves.
//
// The error is [*Unreachable], one marked [Final], or the cause of a cancelled ctx.
func (c *Client) Retry(ctx context.Context, name string, attempt func(context.Context) error) error {
	defer c.WaitFor(name)()
	for n := 1; ; n++ {
		err := c.once(ctx, attempt)
		var fixed final
		switch {
		case err == nil:
			return nil
		case errors.As(err, &fixed):
			return fixed.error
		case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
			return context.Cause(ctx)
		}
		limit := attempts(err)
		if c.Once && !undialed(err) {
			limit = 1
		}
		wait := c.wait(n, err)
		if n >= limit || c.late(ctx, wait) {
			return &Unreachable{Name: name, Attempts: n, Err: rootless(err)}
		}
		if c.Retrying != nil {
			c.Retrying(Retry{Name: name, Attempt: n + 1, Of: limit, Wait: wait, Err: err})
		}
		if err := c.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// once runs an attempt with its share of the time. Half of what remains, so that a slow
// Quay is not interrupted three times at the same place.
func (c *Client) once(ctx context.Context, attempt func(context.Context) error) error {
	limit := patience
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(limit, deadline.Sub(c.Clock.Now())/2)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow{limit})
	defer cancel()
	ctx, done := calm(ctx)
	defer done()
	err := attempt(ctx)
	cause := context.Cause(ctx)
	switch {
	case err != nil && errors.Is(cause, errChurn):
		return errChurn
	case cause != nil && errors.Is(err, context.DeadlineExceeded):
		return cause // of ctx, not of a dial, whose timeout is a DeadlineExceeded too
	}
	return err
}

// maxConnections is how many connections one attempt may make. One is the usual
// case, another for a kept one that the server closed just then.
const maxConnections = 4

var errChurn = errors.New("the server ends each connection before it takes a request")

// calm ends an attempt that uses up connection after connection: where a server
// sends GOAWAY on each, net/http makes the next without a pause.
func calm(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var connections atomic.Int32
	trace := &httptrace.ClientTrace{TLSHandshakeDone: func(tls.ConnectionState, error) {
		if connections.Add(1) > maxConnections {
			cancel(errChurn)
		}
	}}
	return httptrace.WithClientTrace(ctx, trace), func() { cancel(nil) }
}

// errSlow is an attempt that got no answer in its time.
type errSlow struct{ limit time.Duration }

// Is makes it the deadline's error that it stands for.
func (errSlow) Is(target error) bool { return target == context.DeadlineExceeded }

func (e errSlow) Error() string {
	return fmt.Sprintf("no answer within %s", e.limit.Round(time.Second))
}

// undialed reports that there was no connection to send a request on.
func undialed(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// late reports whether waiting would pass the deadline.
func (c *Client) late(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && !c.Clock.Now().Add(wait).Before(deadline)
}

// wait is how long to wait after the nth attempt. What Retry-After asks for is the
// least: everybody who was told the same would come back in the same moment.
func (c *Client) wait(n int, err error) time.Duration {
	wait := firstWait << (n - 1)
	chance := rand.N(wait)
	var status *StatusError
	if errors.As(err, &status) {
		if after, ok := retryAfter(status.Answer, c.Clock.Now()); ok && after > 0 {
			return after + chance
		}
	}
	return wait + chance
}

// longestWait stands for all that is longer: beyond every deadline, and short enough
// to add to.
const longestWait = 365 * 24 * time.Hour

// retryAfter reads the header's two forms; nonsense counts as none.
func retryAfter(answer *Answer, now time.Time) (time.Duration, bool) {
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longestWait/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if date, ok := answer.Date(); ok {
		now = date
	}
	return min(max(0, at.Sub(now)), longestWait), true
}

// Transient reports whether another attempt may get another status.
func Transient(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// attempts is how often something that ends in err is tried.
func attempts(err error) int {
	var status *StatusError
	var dns *net.DNSError
	switch {
	case NotTrusted(err), NoTLS(err):
		return 1
	case errors.As(err, &status) && status.Answer.Status == http.StatusInternalServerError,
		errors.Is(err, syscall.ECONNREFUSED),
		errors.As(err, &dns) && dns.IsNotFound:
		return fewAttempts
	}
	return maxAttempts
}
