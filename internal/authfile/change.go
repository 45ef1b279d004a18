// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

const (
	maxWrites = 5   // how often a tool without locks may undo a write
	maxTries  = 100 // how often a write may begin again because another tool wrote first
)

// Change says what is worth a message about a successful write.
type Change struct {
	Writes      int     // more than one if another tool, which does not use the lock, wrote too
	InPlace     bool    // the file could not be replaced in one step: a crash would have torn it
	Exposed     bool    // every user can read the file, whose mode was so before
	NoLocks     bool    // another quay-keyless that wrote at the same time may have lost its login
	RecordLost  bool    // the record was damaged: what earlier logins replaced is unknown
	BroughtBack bool    // another tool wrote our login back, and [File.Restore] removed it again
	Folder      *Folder // what the last isolated login left around the file, or nil
	// others: other tools are writing here. One that read the file before our write may
	// rename its own over ours after our look.
	others bool
}

// task is a login or a logout in an auth file.
type task struct {
	// first returns the new text, and the record that belongs to it. again does so after
	// each write, until it returns the text as it is: if another tool has undone the
	// write, it gives the text to write next.
	first, again func(text []byte, r record) ([]byte, record, error)
	// ahead: the record is written before the auth file, as logins need it, and not
	// after it, as logouts do.
	ahead bool
}

// run does a task under the lock, and looks again after a while if other tools are at work.
func (f *File) run(ctx context.Context, do task) (Change, error) {
	var change Change
	err := f.turn(ctx, &change, do)
	for err == nil && change.others && f.settling > 0 {
		writes := change.Writes
		if err = f.settle(ctx); err == nil {
			if f.settled != nil {
				f.settled()
			}
			err = f.turn(ctx, &change, task{first: do.again, again: do.again, ahead: do.ahead})
		}
		if !do.ahead && ctx.Err() != nil {
			return change, nil // the logout is done, only the look is not
		}
		if change.Writes == writes {
			break
		}
	}
	return change, err
}

// turn runs a task once under the lock.
func (f *File) turn(ctx context.Context, change *Change, do task) error {
	l, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer l.release()
	change.RecordLost = change.RecordLost || l.lost
	change.NoLocks = change.NoLocks || l.lock == nil
	r, step, looked := l.record, do.first, false
	for tries := 0; ; tries++ {
		old, err := f.look()
		if err != nil {
			return err
		}
		if !looked {
			r, change.others = f.others(old, r)
			looked = true
		}
		text, next, err := step(old.text, r)
		if err != nil {
			return err
		}
		if bytes.Equal(text, old.text) && (change.Writes > 0 || f.modeFits(old)) {
			change.others = change.others || f.underWay()
			return l.save(next)
		}
		if err := another(ctx, change.Writes, tries); err != nil {
			return err
		}
		err = l.write(change, old, text, next, do.ahead)
		switch {
		case errors.Is(err, errChanged):
			change.others = true
		case err != nil:
			return err
		default:
			change.others = change.others || change.Writes > 1
			r, step = next, do.again
		}
	}
}

// modeFits reports whether the file has the chosen mode.
func (f *File) modeFits(old seen) bool {
	return f.Mode == 0 || old.info == nil || old.info.Mode().Perm() == f.Mode
}

// another says why the file is not written once more.
func another(ctx context.Context, writes, tries int) error {
	switch {
	case writes >= maxWrites:
		return because(Contended, fmt.Errorf("%d times", writes))
	case tries >= maxTries:
		return because(Contended, fmt.Errorf("%d times before it was done", tries))
	}
	return context.Cause(ctx)
}

// write writes the auth file. For a login the record is on the disk before, so that a
// process that is killed in between leaves a file that can be put back. If the file was
// not written, the record from before counts again.
func (l *locked) write(change *Change, old seen, text []byte, next record, ahead bool) error {
	before := l.record
	if ahead {
		if err := l.save(next); err != nil {
			return err
		}
	}
	inPlace, err := l.f.write(l.f.path, old, text, l.f.Mode)
	if l.f.written != nil {
		l.f.written()
	}
	if err == nil {
		change.InPlace = change.InPlace || inPlace
		change.Writes++
		return nil
	}
	now, unread := l.f.look()
	if ahead && (errors.Is(err, errChanged) || unread == nil && bytes.Equal(now.text, old.text)) {
		_ = l.save(before)
	}
	return err
}
