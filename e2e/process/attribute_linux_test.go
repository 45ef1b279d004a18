// SPDX-License-Identifier: Apache-2.0

package process

import (
	"path/filepath"
	"testing"

	"quay-keyless/e2e/lab"
)

// attribute sets or clears an attribute of the auth file.
func (h home) attribute(t *testing.T, change string) {
	t.Helper()
	command := h.command(nil)
	command.Args = []string{"chattr", change, h.config()}
	command.Must(t)
}

// TestFileAttributes gives the program an auth file that even root cannot replace. Login
// and logout fail and leave it as it was. They work again without the attribute.
func TestFileAttributes(t *testing.T) {
	j := newJob(t)
	for _, attribute := range []string{"i", "a"} {
		h := j.home(t, before)
		fails := func(command string) {
			t.Helper()
			text := lab.Read(t, h.config())
			h.attribute(t, "+"+attribute)
			outcome := h.command(nil, command).Run(t)
			h.attribute(t, "-"+attribute)
			if outcome.Exit != 1 || lab.Read(t, h.config()) != text {
				t.Errorf("%s with +%s: exit code %d\n%s", command, attribute, outcome.Exit, outcome.Log())
			}
		}
		fails("login")
		if left, err := filepath.Glob(filepath.Join(h.folder, ".docker", ".*[0-9]*")); err != nil || len(left) > 0 {
			t.Errorf("+%s: the login left %q, %v", attribute, left, err)
		}
		h.age(t)
		h.command(nil, "login").Must(t)
		h.loggedIn(t)
		h.age(t)
		fails("logout")
		h.age(t)
		h.command(nil, "logout").Must(t)
		h.asBefore(t)
	}
}
