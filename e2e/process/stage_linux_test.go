// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// lock is the stage of a login that waits for another one's lock; the other stages are
// the endpoints of the sandbox that the program waits for.
const lock = "lock"

// TestSignalledInEachStage ends a command that waits, by each signal. It says so in a
// line, files are as they were, and the next login and logout work.
func TestSignalledInEachStage(t *testing.T) {
	endpoints := []string{sandbox.IDToken, sandbox.Ping, sandbox.Exchange, sandbox.Auth}
	for command, stages := range map[string][]string{
		"login": append(endpoints, lock), "token": endpoints, "get": endpoints[:3], // whose proof is the tool's
	} {
		for _, stage := range stages {
			for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
				t.Run(fmt.Sprintf("%s/%s/%v", command, stage, signal), func(t *testing.T) {
					t.Parallel()
					newWaiting(t, command).signalled(t, stage, signal)
				})
			}
		}
	}
}

// waiting is a command of a job on GitHub that will be made to wait.
type waiting struct {
	home
	name string
	lab.Command
}

func newWaiting(t *testing.T, name string) waiting {
	t.Helper()
	j := newJob(t)
	delete(j.env, "QUAY_ID_TOKEN_FILE")
	maps.Copy(j.env, j.GitHubEnv(sandbox.Job{}))
	delete(j.env, "GITHUB_ACTIONS") // words as in a terminal
	h := j.home(t, before)
	if name != "get" {
		return waiting{h, name, h.command(nil, name)}
	}
	folder := filepath.Join(h.folder, "bin")
	h.command(nil, "login", "--credential-helper", "--helper-dir", folder).Must(t)
	get := h.command(nil, "get")
	get.Args[0], get.Stdin = filepath.Join(folder, "docker-credential-quay-keyless"), h.Host
	return waiting{h, name, get}
}

// signalled runs the command until it waits in a stage, and ends it there.
func (w waiting) signalled(t *testing.T, stage string, signal syscall.Signal) {
	text := lab.Read(t, w.config())
	release := w.hold(t, stage)
	var stdout, stderr bytes.Buffer
	command := w.Start(t)
	command.Stdout, command.Stderr = &stdout, &stderr
	asked := w.Requests(stage)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := until(t, command, func() bool { return w.Requests(stage) > asked || waitsForLock(t, command.Process.Pid) })
	if err := command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	<-ended
	w.expectEnd(t, command.ProcessState.Sys().(syscall.WaitStatus), signal, stdout.String(), stderr.String())
	if now := lab.Read(t, w.config()); now != text {
		t.Errorf("the auth file is now\n%s\nand was\n%s", now, text)
	}
	release()
	w.command([]string{"QUAY_TIMEOUT=60s"}, "login").Must(t)
	w.loggedIn(t)
	w.command(nil, "logout").Must(t)
	w.asBefore(t)
}

// until waits until a command that was started has come to something; one that ends
// before it fails the test. The channel is closed when the command has ended.
func until(t *testing.T, command *exec.Cmd, come func() bool) (ended <-chan struct{}) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = command.Wait()
	}()
	for tick := time.Tick(time.Millisecond); !come(); {
		select {
		case <-tick:
		case <-over:
			t.Fatalf("it has ended already: %v", command.ProcessState)
		}
	}
	return over
}

// hold makes the stage one in which the program waits, until release.
func (w waiting) hold(t *testing.T, stage string) (release func()) {
	t.Helper()
	if stage != lock {
		w.Fault(sandbox.Fault{Target: stage, Kind: sandbox.Slow})
		return w.ClearFaults
	}
	file, err := os.Create(filepath.Join(filepath.Dir(w.config()), ".config.json.quay-keyless.lock"))
	if err == nil {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { file.Close() }
}

// waitsForLock reports whether a process has the lock's file open, which another one has
// locked: the program asks for the lock again and again, so the kernel knows of no wait.
func waitsForLock(t *testing.T, pid int) bool {
	t.Helper()
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(descriptors, func(descriptor string) bool {
		target, err := os.Readlink(descriptor)
		return err == nil && strings.HasSuffix(target, "/.config.json.quay-keyless.lock")
	})
}

// expectEnd holds the exit code to the signal. A helper that fails has the exit code 1
// and its reason on standard output, which is what tools know of.
func (w waiting) expectEnd(t *testing.T, ended syscall.WaitStatus, signal syscall.Signal, stdout, stderr string) {
	t.Helper()
	lab.NoSecrets(t, "what it said", stdout+stderr)
	if signal == syscall.SIGKILL {
		if !ended.Signaled() || stdout != "" {
			t.Errorf("%v, %q", ended, stdout)
		}
		return
	}
	words, code, answer := "ended by signal: "+signal.String()+" [interrupted]\n", 128+int(signal), ""
	if w.name == "get" {
		code, answer = 1, words
	}
	if ended.ExitStatus() != code || stdout != answer || !strings.HasSuffix(stderr, "error: "+words) {
		t.Errorf("exit code %d, want %d\n%s\n%s", ended.ExitStatus(), code, stdout, stderr)
	}
}
