// SPDX-License-Identifier: Apache-2.0

package login

import (
	"bytes"
	"context"
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
	if _, err := file.SetHelper(t.Context(), authfile.Hold{}, registry); err != nil {
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
	outcomes, err := logoutOf(interruptedLate{ctx, end, path}, a, authFile{File: file}, nil)
	if err != nil || len(outcomes) != 1 || outcomes[0].Result != authfile.Removed || said.Len() > 0 {
		t.Errorf("%v, %v, said %q", outcomes, err, said.String())
	}
	if _, err := os.Stat(store.Path()); !os.IsNotExist(err) {
		t.Errorf("the settings are there still: %v", err)
	}
}
