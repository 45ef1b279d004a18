// SPDX-License-Identifier: Apache-2.0

package ownfile

import (
	"context"
	"math/rand/v2"
	"os"
	"time"
)

// Locked is the error of a lock that another process had until the context ended.
// Cause is why it ended.
type Locked struct{ Cause error }

// Error is the cause's.
func (l *Locked) Error() string { return l.Cause.Error() }

// Unwrap returns the cause.
func (l *Locked) Unwrap() error { return l.Cause }

// longestTurn is how long a lock can be free before it is noticed.
const longestTurn = 10 * time.Millisecond

// Lock opens path, created with mode 0600 if it is missing, and waits for its
// lock until ctx ends. The lock is the system's (flock, LockFileEx): closing the
// file ends it, and so does the end of the process. The file is nil on a file system
// without locks. The error is a [*Locked], an [*Error] or the system's.
//
// The system can wait for a lock as well, but such a wait cannot be called off.
func (t Trust) Lock(ctx context.Context, path string) (*os.File, error) {
	for {
		if ctx.Err() != nil {
			return nil, &Locked{context.Cause(ctx)}
		}
		file, err := t.Open(path, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, err
		}
		locked, unsupported := TryLock(file)
		if locked && IsAt(file, path) { // otherwise the one before us removed it
			return file, nil
		}
		_ = file.Close()
		if unsupported != nil {
			return nil, nil
		}
		if !locked {
			turn(ctx)
		}
	}
}

// turn waits a moment, of random length so that none of several waits is always
// the last.
func turn(ctx context.Context) {
	timer := time.NewTimer(rand.N(longestTurn) + time.Microsecond) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// IsAt reports whether file is still what path names. A lock on a file that was
// removed meanwhile locks nobody out.
func IsAt(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}
