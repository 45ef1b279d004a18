// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
)

// unknown is a user as OpenShift makes them: a number that /etc/passwd does not have, in
// the group root. Without root the tests' own user has to do.
func unknown() int {
	if os.Geteuid() != 0 {
		return os.Geteuid()
	}
	return 1000650000
}

// stranger is a home that the unknown user may read, below which it has a folder.
type stranger struct {
	home
	program, own string
}

func newStranger(t *testing.T) stranger {
	t.Helper()
	h := newJob(t).home(t, "")
	s := stranger{h, filepath.Join(h.folder, "quay-keyless"), filepath.Join(h.folder, "own")}
	lab.Copy(t, lab.Program(), s.program, 0o755)
	if err := os.Mkdir(s.own, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.own, h.env["QUAY_ID_TOKEN_FILE"]} {
		if err := os.Chown(path, unknown(), -1); err != nil {
			t.Fatal(err)
		}
	}
	// The folders of a test are private.
	for _, path := range []string{h.folder, filepath.Dir(h.folder), filepath.Dir(h.env["QUAY_ID_TOKEN_FILE"])} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// as runs the program as that user, with these variables and none of a home's.
func (s stranger) as(t *testing.T, variables []string, arguments ...string) lab.Outcome {
	t.Helper()
	command := s.command(variables, arguments...)
	command.Args[0], command.Dir = s.program, "/"
	if len(variables) == 0 || !strings.HasPrefix(variables[0], "HOME=") {
		delete(command.Env, "HOME")
	}
	delete(command.Env, "XDG_RUNTIME_DIR")
	if os.Geteuid() == 0 {
		command.Args = append([]string{"setpriv", fmt.Sprintf("--reuid=%d", unknown()), "--regid=0", "--clear-groups", "--no-new-privs"}, command.Args...)
	}
	return command.Run(t)
}

// expectLogin holds a file to its owner, its mode and its login.
func (s stranger) expectLogin(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != unknown() || info.Mode().Perm() != 0o600 {
		t.Errorf("%s is user %d's and has mode %s", path, owner, info.Mode())
	}
	if user, _ := lab.Login(t, lab.Read(t, path), s.Host); user != "acme+ci" {
		t.Errorf("%s has a login as %q", path, user)
	}
}

// TestUserWithoutName logs in where there is no home, none that can be written, and one
// that the group root may write.
func TestUserWithoutName(t *testing.T) {
	for name, variables := range map[string][]string{"no home": nil, "the root folder": {"HOME=/"}, "read-only": {"HOME=/proc"}} {
		t.Run(name, func(t *testing.T) {
			s := newStranger(t)
			outcome := s.as(t, variables, "login")
			if outcome.Exit != 1 {
				t.Errorf("exit code %d, want 1", outcome.Exit)
			}
			for _, want := range []string{" [no-place]\n", "--isolated", "--authfile PATH"} {
				if !strings.Contains(outcome.Stderr, want) {
					t.Errorf("it does not say %q:\n%s", want, outcome.Log())
				}
			}
			s.expectHint(t, variables)
			for _, command := range []string{"token", "whoami"} {
				if outcome := s.as(t, variables, command); outcome.Exit != 0 {
					t.Errorf("%s: exit code %d\n%s", command, outcome.Exit, outcome.Log())
				}
			}
		})
	}
	t.Run("of the group root", func(t *testing.T) {
		s := newStranger(t)
		shared := filepath.Join(s.folder, "shared")
		if err := os.Mkdir(shared, 0o770); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(shared, 0o770); err != nil {
			t.Fatal(err)
		}
		variables := []string{"HOME=" + shared}
		if outcome := s.as(t, variables, "login"); outcome.Exit != 0 {
			t.Fatal(outcome.Log())
		}
		s.expectLogin(t, filepath.Join(shared, ".docker", "config.json"))
		if outcome := s.as(t, variables, "logout"); outcome.Exit != 0 || !strings.Contains(outcome.Stderr, "logged out of") {
			t.Errorf("exit code %d\n%s", outcome.Exit, outcome.Log())
		}
	})
}

// expectHint does what the error's hint says: a folder of its own, whose variables a
// shell takes from standard output.
func (s stranger) expectHint(t *testing.T, variables []string) {
	t.Helper()
	outcome := s.as(t, append(variables, "TMPDIR="+s.own), "login", "--isolated")
	if outcome.Exit != 0 {
		t.Fatal(outcome.Log())
	}
	found, _ := filepath.Glob(filepath.Join(s.own, "quay-keyless-*"))
	if len(found) != 1 {
		t.Fatalf("in its folder are %q", found)
	}
	s.expectLogin(t, filepath.Join(found[0], "config.json"))
	if want := "export DOCKER_CONFIG='" + found[0] + "'\n"; !strings.Contains(outcome.Stdout, want) {
		t.Errorf("stdout is %q", outcome.Stdout)
	}
	outcome = s.as(t, append(variables, "DOCKER_CONFIG="+found[0]), "logout")
	if user, _ := lab.Login(t, lab.Read(t, filepath.Join(found[0], "config.json")), s.Host); outcome.Exit != 0 || user != "" {
		t.Errorf("exit code %d, and a login as %q\n%s", outcome.Exit, user, outcome.Log())
	}
}
