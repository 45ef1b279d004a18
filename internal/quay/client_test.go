// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestRegistryTime(t *testing.T) {
	t.Parallel()
	c := client(t, "quay.example", always(reply{status: 200, body: asJSON(t, "token", robotToken(t)), header: []string{"Date: Sun, 22 Nov 2026 08:00:40 GMT"}}))
	if skew, ok := c.Skew(); ok || !c.Now().Equal(now) {
		t.Errorf("before any answer: %v, %v", skew, c.Now())
	}
	if _, err := c.Exchange(t.Context(), ci, holding("id.to.ken")); err != nil {
		t.Fatal(err)
	}
	if skew, ok := c.Skew(); !ok || skew != 40*time.Second || !c.Now().Equal(now.Add(40*time.Second)) {
		t.Errorf("after it: %v, %v", skew, c.Now())
	}
}

// A Date without its fraction, or of an answer that was long under way, tells of no
// clock that is off.
func TestSkewIsWhatIsSure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		took time.Duration
		date string
		want time.Duration
	}{
		{"the same second", 0, "08:00:00", 0},
		{"its fraction", 900 * time.Millisecond, "08:00:00", 0},
		{"a slow answer, made at once", 20 * time.Second, "08:00:00", 0},
		{"a slow answer, made at the end", 20 * time.Second, "08:00:20", 0},
		{"ahead", 0, "08:00:40", 40 * time.Second},
		{"ahead, and slow", 20 * time.Second, "08:00:40", 20 * time.Second},
		{"behind", 0, "07:59:00", -59 * time.Second},
		{"behind, and slow", 20 * time.Second, "07:59:00", -59 * time.Second},
	} {
		clock := &still{now}
		registry := &server{answer: func(*http.Request) reply {
			clock.now = clock.now.Add(test.took)
			return reply{status: 401, header: []string{"Date: Sun, 22 Nov 2026 " + test.date + " GMT", bearer}}
		}}
		c := client(t, "quay.example", registry)
		c.Endpoint.Clock = clock
		if _, err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if skew, ok := c.Skew(); !ok || skew != test.want {
			t.Errorf("%s: %v %v, want %v", test.name, skew, ok, test.want)
		}
	}
}

// still is a clock that stands until somebody moves it.
type still struct{ now time.Time }

func (s *still) Now() time.Time                             { return s.now }
func (s *still) Sleep(context.Context, time.Duration) error { return nil }
