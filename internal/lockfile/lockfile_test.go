// SPDX-License-Identifier: Apache-2.0

package lockfile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"

	"quay-keyless/internal/lockfile"
)

var errOver = errors.New("the time is over")

// endsInWait is a context that ends when somebody begins to wait for its end.
type endsInWait struct {
	context.Context
	end context.CancelCauseFunc
}

func (e endsInWait) Done() <-chan struct{} {
	e.end(errOver)
	return e.Context.Done()
}

func inWait(t *testing.T) context.Context {
	ctx, end := context.WithCancelCause(t.Context())
	return endsInWait{ctx, end}
}

// nobody is for locks that nobody has to wait for.
func nobody(t *testing.T) func(*lockedfile.File) {
	return func(*lockedfile.File) { t.Error("a lock came late") }
}

func open(t *testing.T, path string) *lockedfile.File {
	t.Helper()
	file, err := lockfile.Open(t.Context(), path, nobody(t))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	file := open(t, path)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the lock's file: %v, %v", info, err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Close(); err != nil { // which was let go of
		t.Error(err)
	}
}

// Who waits for a lock until its time is over is told so, and lets go of the lock
// when it comes after all.
func TestOpenHeld(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first := open(t, path)
	late := make(chan *lockedfile.File, 1)
	file, err := lockfile.Open(inWait(t), path, func(file *lockedfile.File) { late <- file })
	var held *lockfile.Held
	if !errors.As(err, &held) || !errors.Is(held.Cause, errOver) || err.Error() != errOver.Error() || file != nil {
		t.Fatalf("got %v, %v", file, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (<-late).Close(); err != nil {
		t.Error(err)
	}
}

// A time that was over before leaves no file behind.
func TestOpenTooLate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	ctx, end := context.WithCancelCause(t.Context())
	end(errOver)
	var held *lockfile.Held
	if _, err := lockfile.Open(ctx, path, nobody(t)); !errors.As(err, &held) || !errors.Is(held.Cause, errOver) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock's file: %v", err)
	}
}

func TestOpenNowhere(t *testing.T) {
	t.Parallel()
	_, err := lockfile.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "lock"), nobody(t))
	var held *lockfile.Held
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &held) {
		t.Error(err)
	}
}
