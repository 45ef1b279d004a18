// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"testing"
	"time"

	"quay-keyless/internal/process"
)

// noon is a clock that stands still.
type noon struct{}

func (noon) Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func (noon) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// A job holds an auth file's key for a day at most, whatever its registry says.
func TestHold(t *testing.T) {
	t.Parallel()
	a := &process.Run{Env: process.Env{Clock: noon{}, Getenv: func(string) string { return "" }}}
	for left, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour, 24 * time.Hour: 24 * time.Hour, 24*time.Hour + 1: 24 * time.Hour, 1<<63 - 1: 24 * time.Hour, -time.Hour: -time.Hour,
	} {
		hold := hold(a, left)
		if got := hold.Until.Sub(hold.From); got != want || !hold.From.Equal(noon{}.Now()) {
			t.Errorf("%s left: it holds the key for %s", left, got)
		}
	}
}
