// SPDX-License-Identifier: Apache-2.0

//go:build unix

package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestSignalsChild is the process that TestSignals sends signals to. It says how far it
// is, and does not end by itself.
func TestSignalsChild(t *testing.T) {
	stage := os.Getenv("TEST_SIGNALS")
	if stage == "" {
		return // it is nobody's child
	}
	ctx, stop := interruptible(t.Context())
	if stage == "stopped" {
		stop()
	}
	fmt.Println("ready")
	if stage == "interrupted" {
		<-ctx.Done()
		var interrupted *Interrupted
		fmt.Println(errors.As(context.Cause(ctx), &interrupted) && interrupted.Signal == syscall.SIGINT)
	}
	select {}
}

// A second signal ends the process, and so does a first one where no command waits for
// any: while it says what went wrong to somebody who does not read, for example.
func TestSignals(t *testing.T) {
	t.Parallel()
	for stage, says := range map[string][]string{"interrupted": {"ready\n", "true\n"}, "stopped": {"ready\n"}} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSignalsChild$")
		child.Env = append(os.Environ(), "TEST_SIGNALS="+stage)
		output, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(output)
		for _, want := range says {
			if line, err := lines.ReadString('\n'); line != want {
				t.Fatalf("%s: it said %q, %v, want %q", stage, line, err, want)
			}
			if err := child.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
		var ended *exec.ExitError
		if err := child.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
			t.Errorf("%s: it ended with %v", stage, err)
		}
	}
}
