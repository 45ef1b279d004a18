// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Interrupted is the error of a command that a signal ended.
type Interrupted struct {
	Signal syscall.Signal
}

// Error names the signal.
func (i *Interrupted) Error() string { return fmt.Sprintf("ended by signal: %v", i.Signal) }

// interruptible returns a context that the first SIGINT or SIGTERM ends, with the cause
// [*Interrupted]. The next one ends the process, because a system call may never return.
// SIGPIPE is ignored: a closed log must not end a login.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case first := <-signals:
			signal.Stop(signals) // from now on the system ends the process
			number, _ := first.(syscall.Signal)
			cancel(&Interrupted{Signal: number})
			select {
			case second := <-signals: // it came before Stop
				raise(second)
			default:
			}
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(context.Canceled)
		watching.Wait()
		signal.Stop(signals)
	}
}

// raise ends the process by a signal, or on Windows with the exit code of one.
func raise(s os.Signal) {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(s)
	}
	if number, ok := s.(syscall.Signal); ok && err != nil {
		os.Exit(ExitSignal + int(number))
	}
}
