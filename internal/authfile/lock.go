// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// locked is an auth file whose lock we have, and its record.
type locked struct {
	f      *File
	lock   *os.File // nil if the file system has no locks
	record record
	file   seen // the record's
	lost   bool // it held something, but not a record
}

// acquire waits for the lock until ctx ends, and reads the record. It removes what a killed
// process left beside the auth file.
func (f *File) acquire(ctx context.Context) (*locked, error) {
	lock, err := f.recordTrust().Lock(ctx, f.lockPath())
	if waited, ok := errors.AsType[*ownfile.Locked](err); ok {
		return nil, because(Locked, waited.Cause)
	} else if err != nil {
		return nil, recordFault(f.lockPath(), err)
	}
	l := &locked{f: f, lock: lock}
	wholefile.Sweep(f.dir(), f.sideName()+".") // a killed login's has a token
	l.file, l.record, l.lost, err = f.load()
	if err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

// load reads the record.
func (f *File) load() (now seen, r record, lost bool, err error) {
	path := f.recordPath()
	now, err = see(f.recordTrust(), path, maxRecord)
	switch {
	case errors.Is(err, fs.ErrPermission):
		err = &Error{Reason: NotReadable, Err: fmt.Errorf("%s: %w", path, errno.WithoutPath(err))}
	case err != nil:
		err = recordFault(path, err)
	default:
		r, lost, err = decodeRecord(now.text)
	}
	return now, r, lost, err
}

// save writes the record to the disk in one step, or removes its file if there is
// nothing to put back.
func (l *locked) save(r record) error {
	text, err := r.encode()
	if err != nil {
		return err
	}
	path := l.f.recordPath()
	if (text == nil) != (l.file.text == nil) || !bytes.Equal(text, l.file.text) {
		_, err = l.f.write(path, l.file, text, ownfile.Private)
	}
	if errors.Is(err, errChanged) { // nobody else writes it while we have the lock
		return because(Untrusted, fmt.Errorf("another process replaced %s", path))
	} else if err != nil {
		return recordFault(path, err)
	}
	l.record = r
	l.file, err = see(l.f.recordTrust(), path, maxRecord)
	return err
}

// release ends the lock. It removes the lock's file if there is no record, so that a
// logout leaves nothing; a login that waits for the lock sees that and starts over.
// Windows does not remove an open file, so the lock's file stays there.
func (l *locked) release() {
	if l.file.text == nil {
		_ = os.Remove(l.f.lockPath())
	}
	_ = l.lock.Close()
}

// Held runs do while no login or logout of ours can write the file, with whether a login
// that has not ended yet needs a key of the host, or one below it. The error is do's, or
// an [*Error].
func (f *File) Held(ctx context.Context, do func(held func(host string) bool) error) error {
	l, err := f.acquire(ctx)
	_, unknown := os.Lstat(f.recordPath())
	switch {
	case err != nil && errors.Is(unknown, fs.ErrNotExist) && !isReason(err, Locked): // no login can be written here
		l = &locked{f: f}
	case err != nil:
		return located(f.path, err)
	default:
		defer l.release()
	}
	return do(func(host string) bool {
		return slices.ContainsFunc(l.record.Keys, func(s saved) bool { return len(s.Holders) > 0 && sameHost(s.Key, host) })
	})
}
