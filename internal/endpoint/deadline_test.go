// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/endpoint"
)

func TestRetryAfterBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Retry-After: 3600", "Retry-After: 90", "Retry-After: Sat, 01 Jan 2000 01:00:00 GMT"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			start := time.Now()
			transport := &fake{replies: []reply{status(429, header)}}
			c, retries := client(transport)
			_, err := c.Do(ctx, "the thing", get(t, somewhere))
			if err == nil || err.Error() != "the thing: HTTP 429 Too Many Requests" {
				t.Errorf("%s: got %v", header, err)
			}
			if len(transport.seen) != 1 || len(*retries) != 0 || time.Since(start) != 0 {
				t.Errorf("%s: %d attempts in %v", header, len(transport.seen), time.Since(start))
			}
		})
	}
}

func TestDeadlineWins(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]reply{"503": status(503), "silence": after(time.Hour, status(200)), "slow 503": after(4*time.Second, status(503))} {
		for _, limit := range []time.Duration{time.Second, 10 * time.Second, 90 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				c, _ := client(&fake{replies: []reply{next}})
				_, err := c.Do(ctx, "the thing", get(t, somewhere))
				var unreachable *endpoint.Unreachable
				if !errors.As(err, &unreachable) {
					t.Errorf("%s: got %v, want an Unreachable", name, err)
				}
				if elapsed := time.Since(start); elapsed > limit {
					t.Errorf("%s: took %v of %v", name, elapsed, limit)
				}
			})
		}
	}
}

func TestNoAttemptIsCutEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		var attempts []endpoint.Attempt
		c, retries := client(&fake{replies: []reply{after(time.Hour, status(200))}})
		c.Asked = func(a endpoint.Attempt) { attempts = append(attempts, a) }
		_, err := c.Do(ctx, "the thing", get(t, somewhere))
		if err == nil || len(attempts) < 2 {
			t.Fatalf("%d attempts, %v", len(attempts), err)
		}
		for _, a := range attempts[:len(attempts)-1] {
			if a.Elapsed < 30*time.Second {
				t.Errorf("an attempt was cut after %v", a.Elapsed)
			}
		}
		if got := (*retries)[0].Err.Error(); got != "no answer within 45s" {
			t.Errorf("first retry because of %q", got)
		}
	})
}

func TestSlowAnswersAreAwaited(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ deadline, answer time.Duration }{
		{90 * time.Second, 40 * time.Second},
		{90 * time.Second, 44 * time.Second},
		{40 * time.Second, 29 * time.Second},
		{31 * time.Second, 30*time.Second - time.Millisecond},
		{20 * time.Second, 19 * time.Second},
		{0, 29 * time.Second}, // no deadline
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if test.deadline > 0 {
				limited, cancel := context.WithTimeout(ctx, test.deadline)
				defer cancel()
				ctx = limited
			}
			transport := &fake{replies: []reply{after(test.answer, status(200))}}
			c, _ := client(transport)
			if _, err := c.Do(ctx, "the thing", get(t, somewhere)); err != nil || len(transport.seen) != 1 {
				t.Errorf("answer after %v of %v: %d attempts, %v", test.answer, test.deadline, len(transport.seen), err)
			}
		})
	}
}

func TestCancelReturnsItsCause(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("ended by signal")
	for name, next := range map[string]reply{
		"while asking":  after(time.Hour, status(200)),
		"while waiting": status(503, "Retry-After: 60"),
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			ctx, interrupt := context.WithCancelCause(ctx)
			time.AfterFunc(2*time.Second, func() { interrupt(interrupted) })
			start := time.Now()
			transport := &fake{replies: []reply{next}}
			c, _ := client(transport)
			_, err := c.Do(ctx, "the thing", get(t, somewhere))
			if err != interrupted { //nolint:errorlint // the cause itself, not wrapped
				t.Errorf("%s: got %v", name, err)
			}
			if len(transport.seen) != 1 || time.Since(start) != 2*time.Second {
				t.Errorf("%s: %d attempts, ended after %v", name, len(transport.seen), time.Since(start))
			}
		})
	}
}
