// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// At most four requests run at once, each waits for all, and the first error ends the rest.
func TestEach(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	running, most, done := 0, 0, 0
	four := make(chan struct{})
	wait := func(ctx context.Context) error {
		mu.Lock()
		if running++; running > most {
			most = running
		}
		if done++; done == 4 {
			close(four)
		}
		mu.Unlock()
		<-four // so that four are running
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	}
	var tasks []task
	for range 40 {
		tasks = append(tasks, wait)
	}
	if err := each(t.Context(), tasks); err != nil || most != 4 || done != 40 || running != 0 {
		t.Errorf("%v; at most %d at once, %d done, %d still running", err, most, done, running)
	}
	ending, end := context.WithCancel(t.Context())
	timedOut := errors.New("the API does not answer in time")
	waits := func(ctx context.Context) error { end(); <-ctx.Done(); return timedOut }
	if err := each(ending, []task{waits, waits}); !errors.Is(err, timedOut) {
		t.Errorf("%v", err)
	}
	wrong := errors.New("wrong")
	tasks = append([]task{func(context.Context) error { return wrong }, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, tasks...)
	if err := each(t.Context(), tasks); !errors.Is(err, wrong) || running != 0 {
		t.Errorf("%v; %d still running", err, running)
	}
}
