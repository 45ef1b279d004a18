// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

// A login waits until its deadline for an auth file that another process has locked.
// Then it takes back what it has written into others.
func TestLockedAuthFileEndsALogin(t *testing.T) {
	t.Parallel()
	sb := startSandbox(t, sandbox.Config{})
	folder := t.TempDir()
	free, held := filepath.Join(folder, "free", "config.json"), filepath.Join(folder, "held", "auth.json")
	write(t, held, "{}")
	lock, err := lockedfile.OpenFile(filepath.Join(folder, "held", ".auth.json.quay-keyless.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	variables := jobOf(sb, false, string(sb.CA))
	variables["DOCKER_CONFIG"], variables["REGISTRY_AUTH_FILE"] = filepath.Dir(free), held
	env := inProcess(variables, "login", sb.Host, "--robot", "acme+ci")
	ctx, end := context.WithCancelCause(t.Context())
	var words bytes.Buffer
	env.Stdout = io.Discard
	env.Stderr = writer(func(text []byte) {
		words.Write(text)
		if bytes.HasPrefix(text, []byte("wrote "+free)) {
			end(context.DeadlineExceeded)
		}
	})
	code := cli.Main(ctx, env)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if code != 1 || !strings.Contains(words.String(), "error: auth file "+held+" is locked by another quay-keyless: ") {
		t.Errorf("exit code %d\n%s", code, &words)
	}
	if text, err := os.ReadFile(free); strings.Contains(string(text), sb.Host) {
		t.Errorf("the login is still in the other file: %v", err)
	}
}

// writer is a function that gets what is written.
type writer func([]byte)

func (w writer) Write(text []byte) (int, error) {
	w(text)
	return len(text), nil
}

// A hint names only flags of the command that failed.
func TestLogoutHasNoTimeout(t *testing.T) {
	t.Parallel()
	sb := startSandbox(t, sandbox.Config{})
	variables, file := jobOf(sb, false, string(sb.CA)), filepath.Join(t.TempDir(), "auth.json")
	env := inProcess(variables, "login", sb.Host, "--robot", "acme+ci", "--authfile", file)
	env.Stdout, env.Stderr = io.Discard, io.Discard
	if code := cli.Main(t.Context(), env); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	env.Args = []string{"logout", "--authfile", file}
	ctx, end := context.WithCancelCause(t.Context())
	end(context.DeadlineExceeded)
	var words bytes.Buffer
	env.Stdout, env.Stderr = io.Discard, &words
	if code := cli.Main(ctx, env); code != 1 || !strings.Contains(words.String(), "Another quay-keyless is writing the file") {
		t.Errorf("exit code %d\n%s", code, &words)
	}
	if strings.Contains(words.String(), "--timeout") {
		t.Error(words.String())
	}
}
