// SPDX-License-Identifier: Apache-2.0

package github

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

// What keeps the binary from being run: each has its words, and none of them
// touches the auth file or fails the post phase.
func TestBinary(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, action string)
		words  string
	}{
		"none": {func(t *testing.T, action string) {
			remove(t, filepath.Dir(bundled(action)))
		}, "use a release tag such as acme/login@v1"},
		"tampered": {func(t *testing.T, action string) {
			lab.Write(t, bundled(action), "#!/bin/sh\necho run\n", 0o755)
		}, "is not the released one and was not run"},
		"another CPU": {func(t *testing.T, action string) {
			lab.Write(t, filepath.Join(filepath.Dir(bundled(action)), "checksums.txt"), sum("x")+"  quay-keyless-plan9-mips\n", 0o644)
		}, "the action comes without a quay-keyless-" + runtime.GOOS},
		"listed, not there": {func(t *testing.T, action string) {
			remove(t, bundled(action))
		}, "no such file"},
		"not executable": {func(t *testing.T, action string) {
			if err := os.Chmod(bundled(action), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "EACCES"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, r, inputs := job(t)
			former := lab.Read(t, r.config())
			action := release(t)
			test.change(t, action)
			step := r.uses(action, inputs)
			main := step.main(t)
			errors := annotations("error", main.Stdout)
			if main.Exit != 1 || len(errors) != 1 || !strings.Contains(errors[0], test.words) {
				t.Errorf("main: exit code %d, %q", main.Exit, main.Log())
			}
			if post := step.post(t); post.Exit != 0 || post.Log() != "" {
				t.Errorf("post: exit code %d, %q", post.Exit, post.Log())
			}
			if now := lab.Read(t, r.config()); now != former {
				t.Errorf("the auth file is now\n%s", now)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// A post phase that cannot log out warns, and the job stays green.
func TestPostNeverFails(t *testing.T) {
	tests := map[string]func(t *testing.T, r *runner, action string){
		"malformed auth file": func(t *testing.T, r *runner, _ string) { lab.Write(t, r.config(), "{", 0o600) },
		"binary gone":         func(t *testing.T, _ *runner, action string) { remove(t, filepath.Dir(bundled(action))) },
		"binary tampered with": func(t *testing.T, _ *runner, action string) {
			lab.Write(t, bundled(action), "#!/bin/sh\nexit 0\n", 0o755)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			_, r, inputs := job(t)
			action := release(t)
			step := r.uses(action, inputs)
			if main := step.main(t); main.Exit != 0 {
				t.Fatal(main.Log())
			}
			change(t, r, action)
			post := step.post(t)
			if post.Exit != 0 || len(annotations("warning", post.Stdout)) != 1 || len(annotations("error", post.Stdout)) != 0 {
				t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
			}
		})
	}
}

// Both phases say which other program they run. Its path has what a workflow command has to
// escape.
func TestOtherBinary(t *testing.T) {
	sb, r, inputs := job(t)
	action := release(t)
	remove(t, filepath.Dir(bundled(action)))
	program := filepath.Join(t.TempDir(), "a%0Ab", "program")
	lab.Copy(t, lab.Program(), program, 0o755)
	r.env["QUAY_KEYLESS_BINARY"] = program
	step := r.uses(action, inputs)
	main := step.main(t)
	notices := annotations("notice", main.Stdout)
	if main.Exit != 0 || len(notices) != 1 || !strings.Contains(notices[0], program) {
		t.Errorf("main: exit code %d\n%s", main.Exit, main.Log())
	}
	post := step.post(t)
	if notices := annotations("notice", post.Stdout); len(notices) != 1 || !strings.Contains(notices[0], program) {
		t.Errorf("post does not say which program it ran\n%s", post.Log())
	}
	if user, _ := lab.Login(t, lab.Read(t, r.config()), sb.Host); user == "acme+ci" {
		t.Error("post did not log out")
	}
}

// A program that is killed, as by a machine without memory, has no last word.
// The entry has it.
func TestKilledBinary(t *testing.T) {
	_, r, inputs := job(t)
	step := r.uses(release(t), inputs)
	step.main(t)
	killed := filepath.Join(t.TempDir(), "killed")
	lab.Write(t, killed, "#!/bin/sh\nkill -KILL $$\n", 0o755)
	step.env["QUAY_KEYLESS_BINARY"] = killed
	main := step.main(t)
	if errors := annotations("error", main.Stdout); main.Exit != 1 || len(errors) != 1 || !strings.Contains(errors[0], "SIGKILL") {
		t.Errorf("main: exit code %d\n%s", main.Exit, main.Log())
	}
	post := step.post(t)
	if warnings := annotations("warning", post.Stdout); post.Exit != 0 || len(warnings) != 1 || !strings.Contains(warnings[0], "SIGKILL") {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
}
