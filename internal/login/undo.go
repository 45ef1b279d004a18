// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// rollback holds the steps that take back a login that failed in a later step. A step's
// error says what stayed, and where.
type rollback []func(context.Context) error

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

// run runs the steps, the last one first, and says that the login is gone only if
// nothing stayed. The login's own context may be over.
func (u rollback) run(ctx context.Context, say platform.Platform) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	left := false
	for _, undo := range slices.Backward(u) {
		if err := undo(ctx); err != nil {
			left = true
			say.Warn(platform.Message{Text: err.Error()})
		}
	}
	if len(u) > 0 && !left {
		say.Notice("took the login back")
	}
}

// takeBack is the step for one auth file. It ends this job's login as a logout does, so
// that what other tools wrote meanwhile stays.
func takeBack(run *process.Run, file AuthFile, keys []string) func(context.Context) error {
	return func(ctx context.Context) error {
		own := platform.Holder(run.Env.Getenv)
		outcomes, err := logoutAs(ctx, run, own, file, keys)
		if err != nil {
			return fmt.Errorf("the login may still be in %s: %w", file.Path(), err)
		}
		var stayed []string
		for _, outcome := range outcomes {
			if slices.Contains([]authfile.Result{authfile.Held, authfile.NotOurs, authfile.Unknown}, outcome.Result) {
				stayed = append(stayed, outcomeWords(outcome, file.Path()))
			}
		}
		if len(stayed) > 0 {
			return errors.New(strings.Join(stayed, "; "))
		}
		return nil
	}
}
