// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"errors"
	"io"
	"os"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// maxState limits reading a state file; it holds some old values in base64.
const maxState = 4 * maxFile

// lock is the state file of an auth file, open and locked. The lock is the
// system's (flock, LockFileEx): it ends with the process that holds it.
//
// It lies on the file, not on its name, so the state is never renamed into
// place. New records go where the current one is not (see [record]), and the
// file is removed only by who holds its lock; whoever gets the lock of a
// removed file starts over.
type lock struct {
	file   *os.File
	path   string
	record record
	lost   bool // the file held something, but no state
}

// acquire waits for the lock until ctx ends, and reads the state.
func (f *File) acquire(ctx context.Context) (*lock, error) {
	path := f.statePath()
	for {
		if err := f.checkState(); err != nil {
			return nil, err
		}
		file, err := f.stateTrust().Lock(ctx, path)
		if err != nil {
			return nil, lockFault(path, err)
		}
		if !ownfile.IsAt(file, path) {
			_ = file.Close()
			continue
		}
		l := &lock{file: file, path: path}
		if err := l.load(); err != nil {
			l.release()
			return nil, err
		}
		return l, nil
	}
}

// lockFault tells a folder that takes no lock file from a lock that is held.
func lockFault(path string, err error) error {
	var held *ownfile.Held
	if errors.As(err, &held) {
		return because(Locked, held.Cause)
	}
	if err := stateRefused(err); err != nil {
		return err
	}
	switch reason := reasonOf(err); reason {
	case ReadOnly:
		return stateFault(FolderReadOnly, path, err)
	case NotPermitted:
		return stateFault(FolderNotWritable, path, err)
	default:
		return stateFault(reason, path, err)
	}
}

// load reads the state.
func (l *lock) load() error {
	data, err := io.ReadAll(io.LimitReader(l.file, maxState))
	if err != nil {
		return stateFault(reasonOf(err), l.path, err)
	}
	l.record, l.lost, err = parseState(data)
	return err
}

// state is what the file says now.
func (l *lock) state() state { return l.record.state }

// save makes s durable. Where that does not work, the state from before counts,
// or s, if all but its last step worked; both lead back. An empty state empties
// the file, and then release removes it.
func (l *lock) save(s state) error {
	if len(s.Objects) == 0 {
		l.record = record{}
		if err := l.file.Truncate(0); err != nil {
			return stateFault(reasonOf(err), l.path, err)
		}
		return nil
	}
	s.Serial = l.record.state.Serial + 1
	text, err := s.encode()
	if err != nil {
		return err
	}
	at := l.record.end
	if len(text) <= l.record.start {
		at = 0
	}
	if err := l.write(text, at); err != nil {
		_ = l.file.Truncate(int64(l.record.end))
		return stateFault(reasonOf(err), l.path, err)
	}
	l.record = record{state: s, start: at, end: at + len(text)}
	return nil
}

// write puts a record at an offset, behind which nothing is needed any more
// once it is on the disk.
func (l *lock) write(text []byte, at int) error {
	if err := l.file.Chmod(0o600); err != nil {
		return err
	}
	if _, err := l.file.WriteAt(text, int64(at)); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	if err := l.file.Truncate(int64(at + len(text))); err != nil {
		return err
	}
	return wholefile.SyncName(l.path)
}

// release ends the lock and removes the file if it holds nothing. Windows does
// not remove an open file; there it stays, with 0 bytes.
func (l *lock) release() {
	if info, err := l.file.Stat(); err == nil && info.Size() == 0 && ownfile.IsAt(l.file, l.path) {
		_ = os.Remove(l.path)
	}
	_ = l.file.Close()
}
