// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"quay-keyless/internal/host"
)

// undone is what takes a half-made login back.
type undone []func(context.Context) error

// undoPatience is how long taking back half a login may take.
const undoPatience = 5 * time.Second

// toTheEnd is a context for the rest of what is done in the main: only the time of
// ctx ends it, not a signal that came meanwhile.
func toTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	detached := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadlineCause(detached, deadline, errors.New("waited as long as this may take"))
	}
	return context.WithTimeout(detached, undoPatience)
}

// all takes every step back, the last one first. The context of the login may
// be what ended.
func (u undone) all(ctx context.Context, say host.Host) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	left := false
	for _, undo := range slices.Backward(u) {
		if err := undo(ctx); err != nil {
			left = true
			say.Warn(host.Message{Text: err.Error()})
		}
	}
	if len(u) > 0 && !left {
		say.Notice("took the login back")
	}
}
