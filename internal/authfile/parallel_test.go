// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// roles are what the test binary does as another process (see [TestMain]).
var roles = map[string]func(path string) error{
	"login":  loginOnce,
	"endure": loginForEver,
}

// loginOnce logs in under the key in the environment.
func loginOnce(path string) error {
	f, err := Open(path, by())
	if err != nil {
		return err
	}
	change, err := f.Set(context.Background(), login(os.Getenv("AUTHFILE_KEY"), "1"))
	if change.NoLocks {
		fmt.Println("there are no locks")
	}
	return err
}

// loginForEver logs in and out until it is killed, as two jobs in turn, and says when it
// starts.
func loginForEver(path string) error {
	f, err := Open(path, by())
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for i := 0; ; i++ {
		entry := login(host, fmt.Sprint(i))
		entry.Hold = Hold{By: fmt.Sprint(i % 2), From: at(0), Until: at(60)}
		_, err := f.Set(context.Background(), entry)
		if err != nil {
			return err
		}
		switch i % 6 {
		case 2, 3:
			_, _, err = f.Release(context.Background(), entry.Hold.By, at(30), host)
		case 5:
			_, _, err = f.Restore(context.Background())
		}
		if err != nil {
			return err
		}
	}
}

// quickExit spares the second that the race detector waits on exit.
const quickExit = "GORACE=atexit_sleep_ms=0"

// role is this binary as another process.
func role(t *testing.T, name string, f *File, environment ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), append(environment, quickExit, "AUTHFILE_ROLE="+name, "AUTHFILE_PATH="+f.Path())...)
	return command
}

const parallel = 40

func TestParallelGoroutines(t *testing.T) {
	f := tempFile(t, before)
	each(t, func(i int) error {
		_, err := f.Set(t.Context(), login(fmt.Sprintf("%d.example", i), "1"))
		return err
	})
	wantAll(t, f)
	each(t, func(i int) error {
		outcomes, _, err := f.Restore(t.Context(), fmt.Sprintf("%d.example", i))
		if err == nil && outcomes[0].Result != Removed {
			err = fmt.Errorf("%v", outcomes)
		}
		return err
	})
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestParallelProcesses(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "new", "config.json"))
	each(t, func(i int) error {
		out, err := role(t, "login", f, fmt.Sprintf("AUTHFILE_KEY=%d.example", i)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	wantAll(t, f)
}

// each runs do forty times at once.
func each(t *testing.T, do func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	for i := range parallel {
		group.Go(func() {
			if err := do(i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func wantAll(t *testing.T, f *File) {
	t.Helper()
	logins := decode(t, []byte(read(t, f.Path())))
	for i := range parallel {
		if !bytes.Contains(logins[fmt.Sprintf("%d.example", i)], []byte("auth")) {
			t.Errorf("the login for %d.example is lost", i)
		}
	}
}

// TestLoginsAndLogoutsInTurn makes the state file come and go while others
// wait for its lock.
func TestLoginsAndLogoutsInTurn(t *testing.T) {
	f := tempFile(t, before)
	each(t, func(i int) error {
		key := fmt.Sprintf("%d.example", i)
		for range 3 {
			if _, err := f.Set(t.Context(), login(key, "1")); err != nil {
				return err
			}
			outcomes, _, err := f.Restore(t.Context(), key)
			if err != nil || outcomes[0].Result != Removed {
				return fmt.Errorf("%v, %w", outcomes, err)
			}
		}
		return nil
	})
	wantText(t, f, before)
	wantNothingElse(t, f)
}

// TestWaitEndsWithTheContext also checks that the lock, which the system hands
// out when the wait is over already, is let go again.
func TestWaitEndsWithTheContext(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	held, err := by().Lock(t.Context(), f.lockPath())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = f.Set(ctx, login(host, "2"))
	wantReason(t, f, err, Locked)
	_, _, err = f.Restore(ctx)
	wantReason(t, f, err, Locked)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}
