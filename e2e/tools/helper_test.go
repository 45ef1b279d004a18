// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// Libraries that ask the credential helper get a login that the registry takes,
// and a fresh one when that has ended. After the logout each finds what was
// there before.
func TestLibrariesGetFreshLoginsFromTheHelper(t *testing.T) {
	sb, _ := lab.Sandbox(t)
	j := newJob(t, users()[0], sb)
	j.hasLogin(t, filepath.Join(j.home, ".docker", "config.json"), sb.Host, former)
	env := j.evaluated(t, j.env, j.login(t, sb.Host, "--credential-helper").Stdout)

	passwords := map[string]string{}
	for _, f := range libraries() {
		user, password := f.get(t, j, env, sb.Host)
		if user != ours || !takes(t, sb, user, password) {
			t.Errorf("%s gets a login as %q, taken by the registry: %t", f.name, user, takes(t, sb, user, password))
		}
		passwords[f.name] = password
	}
	sb.Advance(2 * time.Hour)
	j.renewIDToken(t, sb)
	for _, f := range libraries() {
		if takes(t, sb, ours, passwords[f.name]) {
			t.Fatal("the registry still takes a robot token two hours later, so this proves nothing")
		}
		if user, password := f.get(t, j, env, sb.Host); user != ours || !takes(t, sb, user, password) {
			t.Errorf("two hours later %s gets a login as %q, taken by the registry: %t", f.name, user, takes(t, sb, user, password))
		}
	}
	j.command(env, "quay-keyless", "logout").Must(t)
	for _, f := range libraries() {
		if user, _ := f.get(t, j, env, sb.Host); user != former {
			t.Errorf("after logout %s finds %q, not %q", f.name, user, former)
		}
	}
}

// libraries are the finders that hand out a password too.
func libraries() []finder {
	var list []finder
	for _, f := range finders {
		if f.args[0] == "probe" {
			list = append(list, f)
		}
	}
	return list
}

// get is find with the password.
func (f finder) get(t *testing.T, j *job, env map[string]string, host string) (user, password string) {
	t.Helper()
	user, password, _ = strings.Cut(j.command(env, append(f.args, host)...).Must(t).Stdout, "\n")
	return user, strings.TrimSpace(password)
}

// takes reports whether the registry lets a user in.
func takes(t *testing.T, sb *sandbox.Sandbox, user, password string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sb.URL+"/v2/auth?service="+sb.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	answer, err := sb.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode == http.StatusOK
}
