// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"quay-keyless/internal/ownfile"
)

// Check finds what would make [File.Set] fail, so that a login fails before it
// asks anybody for anything: a file that is no auth file, or is not ours, or a
// folder that cannot be written. It changes nothing. It cannot foresee a full
// disk, and what it finds may change until Set. It does not wait for the lock:
// where another process writes in place (see [Change]), it may see half of it.
//
// The error is an [*Error].
func (f *File) Check() error {
	return located(f.path, f.check())
}

func (f *File) check() error {
	data, err := f.read()
	if err != nil {
		return err
	}
	if data != nil {
		if _, err := parse(data, auths); err != nil {
			return err
		}
	}
	if err := f.checkState(); err != nil {
		return err
	}
	if err := f.checkNames(); err != nil {
		return err
	}
	if err := f.checkFolder(); err != nil {
		return err
	}
	if err := writable(f.path); errors.Is(err, syscall.EROFS) { // a mount of its own
		return because(ReadOnly, err)
	}
	return nil
}

// stateTrust is for the state file. Root may write another user's auth file, in
// a folder of that user's; the state beside it is root's then.
func (f *File) stateTrust() ownfile.Trust { return f.trust.RootAnywhere() }

// checkState finds a state file that is not ours to write, or not understood.
func (f *File) checkState() error {
	path := f.statePath()
	if err := f.stateTrust().Check(path); errors.Is(err, syscall.ENOTDIR) {
		return nil
	} else if err := stateRefused(err); err != nil {
		return err
	} else if err != nil {
		return stateFault(unreadable(err), path, err)
	}
	data, err := f.stateTrust().Read(path, maxState)
	if err := stateRefused(err); err != nil {
		return err
	} else if errors.Is(err, fs.ErrPermission) {
		return stateFault(NotReadable, path, err)
	} else if err != nil {
		return nil // missing; on Windows also locked, and so read by its holder
	}
	_, _, err = parseState(data)
	return err
}

// stateRefused is the error of a state file that this user must not believe, nil
// for all else.
func stateRefused(err error) error {
	var refused *ownfile.Error
	if !errors.As(err, &refused) {
		return nil
	}
	return &Error{Reason: Untrusted, Err: refused}
}

// checkNames finds a file name that leaves no room for those beside it.
func (f *File) checkNames() error {
	const longestNumber = ".4294967295" // os.CreateTemp
	longest := f.statePath() + longestNumber
	if _, err := os.Lstat(longest); errors.Is(err, syscall.ENAMETOOLONG) {
		return because(NameTooLong, err)
	}
	return nil
}

// checkFolder finds a folder in which no file can be made. The system is asked,
// since a file made as a test might stay.
func (f *File) checkFolder() error {
	folder := f.folder()
	info, err := os.Stat(folder)
	for errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		info, err = os.Stat(folder)
	}
	if err != nil {
		return because(FolderUncreatable, err)
	}
	if !info.IsDir() {
		return because(FolderUncreatable, syscall.ENOTDIR)
	}
	err = writable(folder)
	switch {
	case err == nil || f.writableInPlace():
		return nil
	case folder != f.folder():
		return because(FolderUncreatable, err)
	case errors.Is(err, syscall.EROFS):
		return because(FolderReadOnly, err)
	}
	return because(FolderNotWritable, err)
}

// writableInPlace reports whether both files are there already, so that the
// folder need not be written.
func (f *File) writableInPlace() bool {
	return writable(f.path) == nil && writable(f.statePath()) == nil
}
