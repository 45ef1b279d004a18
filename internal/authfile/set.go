// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"fmt"
	"os"
)

// maxWrites is how often an auth file is written anew when a tool without a
// lock undoes it.
const maxWrites = 5

// Change says what is worth a line about a write that went well.
type Change struct {
	// InPlace: the file is a mount point or its folder may not be written, so it
	// could not be replaced at one stroke. A crash in that moment would have
	// torn it.
	InPlace bool
	// StateLost: the state file beside the auth file was damaged. What earlier
	// logins replaced is not known any more; what they wrote is not known as ours.
	StateLost bool
	// Writes is how often the file was written, more than once where another
	// tool, which takes no lock, wrote at the same time.
	Writes int
	// crowded: other tools write here these moments. One that read before our
	// write may rename its file over ours after we looked.
	crowded bool
	// Undo takes this one call back, to what the file and its state held before
	// it, as long as nobody wrote or logged out since; it is for a login that fails
	// in a later step. [File.Restore] goes back further, to before the first login.
	// Undo is nil where nothing was written.
	Undo func(context.Context) error
}

// Set writes the entries, all or none, under one lock and in one write. A
// missing file is created, with its folders (0700). The file's mode is 0600
// afterwards, also where it was wider, unless [File.SetMode] chose another. What was
// there before is kept for [File.Restore]; over an own login, what was there before
// that one. Where the state is damaged, it is what is there now.
//
// Set waits for other logins into this file until ctx ends. The error is an
// [*Error]; the file then holds what it held, unless its reason is [Contended].
func (f *File) Set(ctx context.Context, entries ...Entry) (Change, error) {
	list, err := edits(entries)
	if err != nil || len(list) == 0 {
		return Change{}, located(f.path, err)
	}
	change, err := f.setEdits(ctx, func(s state) []edit { return f.overHelpers(s, list) })
	return change, located(f.path, err)
}

// setEdits takes the lock and applies the edits that are due in this state.
func (f *File) setEdits(ctx context.Context, due func(state) []edit) (Change, error) {
	if _, err := f.exists(); err != nil {
		return Change{}, err
	}
	if err := os.MkdirAll(f.folder(), 0o700); err != nil {
		return Change{}, because(FolderUncreatable, err)
	}
	var total Change
	for {
		change, list, err := f.setLocked(ctx, due)
		change.Writes += total.Writes
		total = change
		if err != nil || !total.crowded || f.settling == 0 {
			return total, err
		}
		if err := f.settle(ctx); err != nil {
			return total, err
		}
		if f.settled != nil {
			f.settled()
		}
		if kept, err := f.kept(ctx, list); err != nil || kept {
			return total, err
		}
		if err := total.another(ctx); err != nil {
			return total, err
		}
	}
}

// kept reports whether the edits are still in the file, or what a later login of
// ours put in their place: two jobs of one user would undo each other for ever.
func (f *File) kept(ctx context.Context, list []edit) (bool, error) {
	l, err := f.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer l.release()
	text, err := f.read()
	return err == nil && (holds(text, list) || l.state().wroteLast(text, list)), err
}

// setLocked is one turn under the lock.
func (f *File) setLocked(ctx context.Context, due func(state) []edit) (Change, []edit, error) {
	l, err := f.acquire(ctx)
	if err != nil {
		return Change{}, nil, err
	}
	defer l.release()
	crowded := f.crowded()
	list := due(l.state())
	change, err := f.apply(ctx, l, list)
	change.crowded = crowded || change.Writes > 1 || len(f.foreignFiles()) > 0
	return change, list, err
}

// apply writes until the file holds every edit.
func (f *File) apply(ctx context.Context, l *lock, list []edit) (Change, error) {
	change := Change{StateLost: l.lost}
	var before, wrote []byte
	state := l.state()
	for {
		old, err := f.read()
		if err != nil {
			return change, err
		}
		if wrote != nil && (bytes.Equal(old, wrote) || holds(old, list)) {
			return change, nil
		}
		if err := change.another(ctx); err != nil {
			return change, err
		}
		text, next, err := splice(old, l.state(), list)
		if err != nil {
			return change, err
		}
		if err := f.commit(l, next, &change, old, text); err != nil {
			return change, err
		}
		if wrote == nil {
			before = old
		}
		wrote = text
		serial := l.state().Serial
		change.Undo = func(ctx context.Context) error { return located(f.path, f.undo(ctx, before, wrote, state, serial)) }
	}
}

// undo puts a text and a state back, where the file still holds what was written
// over them, and the state what was noted with it: another job may have logged out
// since, which changes the state alone. A file that was not there is left without
// logins.
func (f *File) undo(ctx context.Context, before, wrote []byte, s state, serial uint64) error {
	l, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer l.release()
	now, err := f.read()
	if err != nil || !bytes.Equal(now, wrote) || l.state().Serial != serial {
		return err
	}
	if before == nil {
		before = emptyFile
	}
	if _, err := f.write(now, before); err != nil {
		return err
	}
	return l.save(s)
}

// another says why the file shall not be written once more.
func (c Change) another(ctx context.Context) error {
	if c.Writes >= maxWrites {
		return because(Contended, fmt.Errorf("%d times", maxWrites))
	}
	return context.Cause(ctx)
}

// holds reports whether all the edits are in the file.
func holds(text []byte, list []edit) bool {
	for _, e := range list {
		d, err := parse(text, e.object)
		if err != nil || digest(d.get(e.key)) != digest(e.value) {
			return false
		}
	}
	return true
}

// splice works out the file's new text, and the state that leads back from it.
func splice(text []byte, s state, list []edit) ([]byte, state, error) {
	for _, e := range list {
		if e.value == nil {
			var err error
			if text, s, err = takeOut(text, s, e); err != nil {
				return nil, state{}, err
			}
			continue
		}
		if text == nil && e.object != auths { // every auth file has these
			text = emptyFile
		}
		if text == nil {
			text = create(e.object, e.key, e.value)
			s = s.with(e, nil, wasNoFile)
			continue
		}
		d, err := parse(text, e.object)
		if err != nil {
			return nil, state{}, err
		}
		next, was := d.set(e.key, e.value)
		text, s = next, s.with(e, d.get(e.key), was)
	}
	return text, s, nil
}

// commit makes the state durable and then writes the file, so that whoever
// dies in between leaves a file that can be put back. Where the write did not
// happen, the state from before counts again.
func (f *File) commit(l *lock, next state, change *Change, old, text []byte) error {
	before := l.state()
	if err := l.save(next); err != nil {
		return err
	}
	err := f.writeOnce(change, old, text)
	if err == nil {
		return nil
	}
	if now, unread := f.read(); unread == nil && bytes.Equal(now, old) {
		_ = l.save(before)
	}
	return err
}

// writeOnce writes the file and notes how.
func (f *File) writeOnce(change *Change, old, text []byte) error {
	inPlace, err := f.write(old, text)
	if f.written != nil {
		f.written()
	}
	if err != nil {
		return err
	}
	change.InPlace = change.InPlace || inPlace
	change.Writes++
	return nil
}
