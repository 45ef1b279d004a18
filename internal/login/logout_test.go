// SPDX-License-Identifier: Apache-2.0

package login

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// interruptedLate is a context that a signal ends when the auth file at path has no
// helper any more.
type interruptedLate struct {
	context.Context
	end  context.CancelCauseFunc
	path string
}

func (i interruptedLate) Err() error {
	if text, err := os.ReadFile(i.path); err == nil && !strings.Contains(string(text), "quay.example.com") {
		i.end(&process.Interrupted{Signal: syscall.SIGTERM})
	}
	return i.Context.Err()
}

// A signal that comes when the auth file is put back finds nobody's lock in its way,
// and what belongs to the login goes too.
func TestLogoutInterruptedLate(t *testing.T) {
	t.Parallel()
	const registry = "quay.example.com"
	path := filepath.Join(t.TempDir(), "auth.json")
	file, err := authfile.Open(path, ownfile.By(os.Getuid(), ""))
	if err != nil {
		t.Fatal(err)
	}
	store := credhelper.Beside(path, ownfile.By(os.Getuid(), ""))
	settings := credhelper.Settings{Registry: registry, Robot: "acme+ci", Audience: "quay", Source: "github", Timeout: "1m"}
	if _, err := store.Set(t.Context(), map[string]credhelper.Settings{registry: settings}, nil, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Set(t.Context(), authfile.Entry{Key: registry, Helper: true}); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	none := func(string) string { return "" }
	a := &process.Run{
		Env:      process.Env{Getenv: none, UID: os.Getuid(), OS: "linux"},
		Platform: platform.Detect(platform.Env{Getenv: none, Words: &said}),
	}
	ctx, end := context.WithCancelCause(t.Context())
	defer end(nil)
	outcomes, err := logoutOf(interruptedLate{ctx, end, path}, a, file, nil)
	if err != nil || len(outcomes) != 1 || outcomes[0].Result != authfile.Removed || said.Len() > 0 {
		t.Errorf("%v, %v, said %q", outcomes, err, said.String())
	}
	if _, err := os.Stat(store.Path()); !os.IsNotExist(err) {
		t.Errorf("the settings are there still: %v", err)
	}
}

// A job logs in when another one's logout has put the auth file back and has not removed
// the settings and the CA yet: they stay, for they are the new job's too.
func TestLoginDuringALogout(t *testing.T) {
	t.Parallel()
	const registry = "quay.example.com"
	home := t.TempDir()
	path := filepath.Join(home, "auth.json")
	trust := ownfile.By(os.Getuid(), "")
	file, err := authfile.Open(path, trust)
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"HOME": home}[name] }
	var said bytes.Buffer
	run := &process.Run{
		Env:      process.Env{Getenv: getenv, UID: 1000, OS: "linux", Trust: trust, Clock: stopped{}},
		Platform: platform.Detect(platform.Env{Getenv: getenv, Words: &said}),
	}
	places, err := caPlaces(run)
	if err != nil {
		t.Fatal(err)
	}
	store := credhelper.Beside(path, trust)
	login := func(job string) {
		t.Helper()
		settings := credhelper.Settings{Registry: registry, Robot: "acme+ci", Audience: "quay", Source: "github", Timeout: "1m"}
		_, err := store.Set(t.Context(), map[string]credhelper.Settings{registry: settings}, nil, func() error {
			_, err := file.Set(t.Context(), authfile.Entry{Key: registry, Helper: true, Hold: authfile.Hold{By: job, From: stopped{}.Now()}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := places.Install(registry, path, []byte("CA")); err != nil {
			t.Fatal(err)
		}
	}
	there := func() string {
		_, settings := os.Stat(store.Path())
		return fmt.Sprintf("settings %t, CA %t", settings == nil, places.Installed(path, func(string) bool { return true }))
	}
	login("first")
	outcomes, change, err := file.Release(t.Context(), "first", stopped{}.Now())
	if err != nil {
		t.Fatal(err)
	}
	login("second")
	if err := loggedOut(t.Context(), run, file, nil, outcomes, change, nil); err != nil {
		t.Error(err)
	}
	if got := there(); got != "settings true, CA true" {
		t.Errorf("after the first job's logout: %s, said %q", got, said.String())
	}
	if _, err := logoutAs(t.Context(), run, "second", file, nil); err != nil {
		t.Error(err)
	}
	if got := there(); got != "settings false, CA false" {
		t.Errorf("after the second job's logout: %s", got)
	}
}
