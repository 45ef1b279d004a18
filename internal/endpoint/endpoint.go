// SPDX-License-Identifier: Apache-2.0

// Package endpoint sends one HTTP request at a time: with limits on time and size, without
// following redirects, and again if an error is transient. The caller decides what the
// answer means.
package endpoint

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"quay-keyless/internal/ascii"
)

// maxBody is far larger than most of Quay's answers: a robot token has under 1 kB, an error
// page under 70 kB.
const maxBody = 1 << 20

// Clock is the time and the way to wait, so that tests need not.
type Clock interface {
	// Now is the local time.
	Now() time.Time
	// Sleep waits for d, or less if ctx ends first, and then returns the cause.
	Sleep(ctx context.Context, d time.Duration) error
}

// Client asks endpoints. The first three fields are required.
type Client struct {
	Transport http.RoundTripper
	Clock     Clock
	UserAgent string
	// Retrying is told before each wait for another attempt.
	Retrying func(Retry)
	// Asked is told after each attempt.
	Asked func(Attempt)
	// Waits is told what the user waits for, until end is called; may be nil.
	Waits func(what func() string) (end func())
	// Definite reports an answer that another attempt would get again, though
	// its status is one that is worth retrying.
	Definite func(*Answer) bool
	// MaxBody is the largest answer to read; 0 means 1 MiB.
	MaxBody int64
	// Once is for requests that a server must not get twice: only one whose
	// connection could not be made is sent again.
	Once bool
}

// Attempt is one request and its result.
type Attempt struct {
	Name    string        // what was asked, as in "the exchange at quay.io"
	URL     string        // without query and credentials
	Status  int           // 0 where no answer came
	Err     error         // nil where an answer came
	Elapsed time.Duration // until the last byte of the body
}

// Answer is an HTTP answer, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Asked  time.Time // when the question was sent, by the local clock
}

// Date is the server's time. False means that the answer does not tell it.
func (a *Answer) Date() (time.Time, bool) {
	date, err := http.ParseTime(a.Header.Get("Date"))
	return date, err == nil
}

// Location is where a redirect points, without its query and fragment: sign-in
// pages carry tokens of their own there. "" means nowhere.
func (a *Answer) Location() string {
	location := a.Header.Get("Location")
	if end := strings.IndexAny(location, "?#"); end >= 0 {
		location = location[:end]
	}
	return location
}

// Unbelievable is the error of an answer that cannot be right: a page of HTML, an
// endless body, another robot's token.
type Unbelievable struct {
	Name string // what was asked
	Why  string // what is wrong with the answer
}

// Error says what was asked and why the answer is not believed.
func (u *Unbelievable) Error() string { return u.Name + " " + u.Why }

// WaitFor tells the user what the program waits for, until end is called.
func (c *Client) WaitFor(what string) (end func()) {
	return c.WaitForMore(func() string { return what })
}

// WaitForMore is WaitFor with words that change.
func (c *Client) WaitForMore(what func() string) (end func()) {
	if c.Waits == nil {
		return func() {}
	}
	return c.Waits(what)
}

// Do sends a request and returns the answer, whatever its status, unless another attempt
// may help: after a broken connection, 408, 429, and 5xx that is not definite. name says
// what is requested. Do calls make for each attempt, because a credential may have to be
// renewed; its error is final. A redirect is an answer.
//
// It tries 5 times; 3 times after a 500, a refused connection or an unknown host; once
// if a certificate is not trusted. It waits 0.5 s between two attempts, doubling, plus up
// to as much again at random, at least what Retry-After asks, but never past the deadline
// of ctx. An attempt gets 30 s or half of the remaining time, whichever is longer.
//
// The errors are [*Unreachable], [*Unbelievable] for a body over MaxBody, those of make or
// marked [Final], and the cause of a cancelled ctx.
func (c *Client) Do(ctx context.Context, name string, make func(context.Context) (*http.Request, error)) (*Answer, error) {
	defer c.WaitFor(name)()
	for n := 1; ; n++ {
		answer, err := c.patiently(ctx, func(ctx context.Context) (*Answer, error) { return c.attempt(ctx, name, make) })
		var fixed final
		switch {
		case err == nil:
			return answer, nil
		case errors.As(err, &fixed):
			return nil, fixed.error
		case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, context.Cause(ctx)
		}
		limit, wait := c.attempts(err), c.wait(n, err)
		deadline, limited := ctx.Deadline()
		if n >= limit || limited && !c.Clock.Now().Add(wait).Before(deadline) {
			return nil, &Unreachable{Name: name, Attempts: n, Err: rootless(err)}
		}
		if c.Retrying != nil {
			c.Retrying(Retry{Name: name, Attempt: n + 1, Of: limit, Wait: wait, Err: err})
		}
		if err := c.Clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// attempt makes one attempt.
func (c *Client) attempt(ctx context.Context, name string, make func(context.Context) (*http.Request, error)) (*Answer, error) {
	request, err := make(ctx)
	if err != nil {
		return nil, final{err}
	}
	if err := ascii.Host(request.URL.Host); err != nil { // which net/http would turn into punycode
		return nil, final{&Unbelievable{Name: name, Why: fmt.Sprintf("cannot be asked at %+q: %v", request.URL.Host, err)}}
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", c.UserAgent)
	}
	start := c.Clock.Now()
	most := cmp.Or(c.MaxBody, maxBody)
	// An http.Client would report a redirect with a bad Location as a broken connection.
	answer, err := read(c.Transport, request.WithContext(ctx), most)
	attempt := Attempt{Name: name, URL: bare(request.URL), Err: err, Elapsed: c.Clock.Now().Sub(start)}
	if answer != nil {
		answer.Asked, attempt.Status = start, answer.Status
	}
	if c.Asked != nil {
		c.Asked(attempt)
	}
	switch {
	case errors.Is(err, errEndless):
		return nil, final{&Unbelievable{Name: name, Why: fmt.Sprintf("sent more than %d bytes", most)}}
	case err == nil && Transient(answer.Status) && !(c.Definite != nil && c.Definite(answer)):
		return nil, &StatusError{Answer: answer}
	}
	return answer, err
}

var errEndless = errors.New("body over the limit")

// SetBody gives a request its body. net/http sends it again by itself if a connection
// that it kept turns out to be closed.
func SetBody(request *http.Request, text []byte) {
	request.ContentLength = int64(len(text))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	request.Body, _ = request.GetBody()
}

// read takes the response to its end, so that its connection can be used again.
func read(transport http.RoundTripper, request *http.Request, most int64) (*Answer, error) {
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end, or given up
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > most {
		return nil, errEndless
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// bare leaves out what a URL might carry in secret.
func bare(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
