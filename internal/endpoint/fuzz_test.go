// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
)

// patient is a clock whose waits take no time and are kept.
type patient struct {
	now    time.Time
	waited []time.Duration
}

func (p *patient) Now() time.Time { return p.now }

func (p *patient) Sleep(_ context.Context, d time.Duration) error {
	p.waited, p.now = append(p.waited, d), p.now.Add(d)
	return nil
}

// FuzzRetryAfter has a server ask for any pause. Each is at least the client's own
// and ends before the deadline.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "-5", "99999999999999999999", "9223372036", "Fri, 31 Dec 9999 23:59:59 GMT", "Sun, 22 Nov 2026 08:00:20 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "1.5", "\x00"} {
		f.Add(seed, "Sun, 22 Nov 2026 08:00:00 GMT")
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, after, date string) {
		clock := &patient{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
		deadline := clock.now.Add(90 * time.Second)
		answer := func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {after}, "Date": {date}}, Body: http.NoBody}, nil
		}
		c := &endpoint.Client{Transport: &fake{replies: []reply{answer}}, Clock: clock}
		_, err := c.Do(deadlineAt{t.Context(), deadline}, "the thing", func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, somewhere, nil)
		})
		var unreachable *endpoint.Unreachable
		if !errors.As(err, &unreachable) || unreachable.Attempts != len(clock.waited)+1 {
			t.Errorf("%q: waited %v, %v", after, clock.waited, err)
		}
		for _, wait := range clock.waited {
			if wait < 500*time.Millisecond || clock.now.After(deadline) {
				t.Errorf("%q at %q: waited %v", after, date, clock.waited)
			}
		}
	})
}

// deadlineAt has the deadline of another clock than the system's, which does not
// end it.
type deadlineAt struct {
	context.Context
	at time.Time
}

func (d deadlineAt) Deadline() (time.Time, bool) { return d.at, true }

// FuzzAnswers reads the headers of an answer that the other packages look at.
func FuzzAnswers(f *testing.F) {
	f.Add("https://elsewhere.example/path?token=secret#x", "Sun, 22 Nov 2026 08:00:00 GMT")
	f.Add("//elsewhere?\n", "0")
	f.Fuzz(func(t *testing.T, location, date string) {
		answer := &endpoint.Answer{Header: http.Header{"Location": {location}, "Date": {date}}}
		if strings.ContainsAny(answer.Location(), "?#") {
			t.Errorf("%q: %q", location, answer.Location())
		}
		if at, ok := answer.Date(); ok && at.Year() > 9999 {
			t.Errorf("%q: %v", date, at)
		}
	})
}
