// SPDX-License-Identifier: Apache-2.0

package ownfile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"quay-keyless/internal/ownfile"
)

var errOver = errors.New("the time is over")

func locked(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := ownfile.Trust{}.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	file := locked(t, path)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the lock's file: %v, %v", info, err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := locked(t, path).Close(); err != nil {
		t.Error(err)
	}
}

// Of many who want a lock, one has it at a time, and each gets it.
func TestLockInTurn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	var all sync.WaitGroup
	inside := make(chan struct{}, 1)
	for range 8 {
		all.Go(func() {
			for range 5 {
				file, err := ownfile.Trust{}.Lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case inside <- struct{}{}:
				default:
					t.Error("two have the lock")
				}
				<-inside
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// endsInWait is a context that ends when somebody begins to wait for its end.
type endsInWait struct {
	context.Context
	end context.CancelCauseFunc
}

func (e endsInWait) Done() <-chan struct{} {
	e.end(errOver)
	return e.Context.Done()
}

// A wait for a lock ends with its context, and leaves nothing waiting.
func TestLockOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first := locked(t, path)
	ctx, end := context.WithCancelCause(t.Context())
	file, err := ownfile.Trust{}.Lock(endsInWait{ctx, end}, path)
	var waited *ownfile.Locked
	if !errors.As(err, &waited) || !errors.Is(waited.Cause, errOver) || err.Error() != errOver.Error() || file != nil {
		t.Fatalf("got %v, %v", file, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := locked(t, path).Close(); err != nil {
		t.Error(err)
	}
}

// A context that ended before leaves no file behind.
func TestLockTooLate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	ctx, end := context.WithCancelCause(t.Context())
	end(errOver)
	var waited *ownfile.Locked
	if _, err := (ownfile.Trust{}).Lock(ctx, path); !errors.As(err, &waited) || !errors.Is(waited.Cause, errOver) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock's file: %v", err)
	}
}

func TestLockNowhere(t *testing.T) {
	t.Parallel()
	_, err := ownfile.Trust{}.Lock(t.Context(), filepath.Join(t.TempDir(), "missing", "lock"))
	var waited *ownfile.Locked
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &waited) {
		t.Error(err)
	}
}
