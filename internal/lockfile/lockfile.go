// SPDX-License-Identifier: Apache-2.0

// Package lockfile waits for a file's lock, as long as a context lasts. The lock
// is the system's (flock, LockFileEx): it ends with the process that holds it.
package lockfile

import (
	"context"
	"os"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Held is the error of a lock that others held until the context ended. Cause
// is why it ended.
type Held struct{ Cause error }

// Error is the cause's.
func (h *Held) Error() string { return h.Cause.Error() }

// Open opens path, created with mode 0600 where it is missing, and waits for its
// lock. A wait for a lock cannot be called off, so it goes on after ctx ended; late
// is given the file that it gets then, to let go of. The error is [*Held] or the
// system's.
func Open(ctx context.Context, path string, late func(*lockedfile.File)) (*lockedfile.File, error) {
	if ctx.Err() != nil {
		return nil, &Held{context.Cause(ctx)}
	}
	type result struct {
		file *lockedfile.File
		err  error
	}
	got := make(chan result, 1)
	go func() {
		file, err := lockedfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		got <- result{file, err}
	}()
	select {
	case r := <-got:
		return r.file, r.err
	case <-ctx.Done():
		go func() {
			if r := <-got; r.err == nil {
				late(r.file)
			}
		}()
		return nil, &Held{context.Cause(ctx)}
	}
}

// IsAt reports whether file is still what path names: whoever gets the lock of a
// removed file has to start over.
func IsAt(file *lockedfile.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}
