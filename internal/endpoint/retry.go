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
	// longestWait is beyond every deadline, and short enough to add to.
	longestWait = 365 * 24 * time.Hour
	// maxConnections is for one attempt, which usually needs one, and another if the
	// server has just closed a kept one.
	maxConnections = 4
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
type StatusError struct{ Answer *Answer }

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

// Final marks err as one that another attempt cannot cure. [Client.Do] returns it unmarked.
func Final(err error) error { return final{err} }

// patiently runs an attempt with its share of the time: half of what remains, so that a
// slow Quay is not interrupted three times at the same place. It ends one that uses up
// connection after connection: if a server sends GOAWAY on each, net/http makes the next
// without a pause.
func (c *Client) patiently(ctx context.Context, attempt func(context.Context) (*Answer, error)) (*Answer, error) {
	limit := patience
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(limit, deadline.Sub(c.Clock.Now())/2)
	}
	ctx, end := context.WithTimeoutCause(ctx, limit, errSlow{limit})
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var connections atomic.Int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(tls.ConnectionState, error) {
		if connections.Add(1) > maxConnections {
			cancel(errChurn)
		}
	}})
	answer, err := attempt(ctx)
	cause := context.Cause(ctx)
	switch {
	case err != nil && errors.Is(cause, errChurn):
		return nil, errChurn
	case cause != nil && errors.Is(err, context.DeadlineExceeded):
		return nil, cause // of ctx, not of a dial, whose timeout is a DeadlineExceeded too
	}
	return answer, err
}

var errChurn = errors.New("the server ends each connection before it takes a request")

// errSlow is an attempt that got no answer in its time.
type errSlow struct{ limit time.Duration }

// Is makes it the deadline's error that it stands for.
func (errSlow) Is(target error) bool { return target == context.DeadlineExceeded }

func (e errSlow) Error() string {
	return fmt.Sprintf("no answer within %s", e.limit.Round(time.Second))
}

// attempts is how often to try a request that ends in err.
func (c *Client) attempts(err error) int {
	var status *StatusError
	var dns *net.DNSError
	var failed *net.OpError
	dialed := !errors.As(err, &failed) || failed.Op != "dial"
	switch {
	case c.Once && dialed, NotTrusted(err), NoTLS(err):
		return 1
	case errors.As(err, &status) && status.Answer.Status == http.StatusInternalServerError,
		errors.Is(err, syscall.ECONNREFUSED),
		errors.As(err, &dns) && dns.IsNotFound:
		return fewAttempts
	}
	return maxAttempts
}

// wait is how long to wait after the nth attempt. What Retry-After asks for is the
// minimum, because all clients that were told the same would return at the same moment.
func (c *Client) wait(n int, err error) time.Duration {
	wait := firstWait << (n - 1)
	chance := rand.N(wait)
	var status *StatusError
	if errors.As(err, &status) {
		if after := retryAfter(status.Answer, c.Clock.Now()); after > 0 {
			return after + chance
		}
	}
	return wait + chance
}

// retryAfter reads the header's two forms (RFC 9110, section 10.2.3); nonsense is 0.
func retryAfter(answer *Answer, now time.Time) time.Duration {
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longestWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, ok := answer.Date(); ok {
		now = date
	}
	return min(at.Sub(now), longestWait)
}

// Transient reports whether another attempt may get another status.
func Transient(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}
