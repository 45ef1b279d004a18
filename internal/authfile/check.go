// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"quay-keyless/internal/ownfile"
)

// Check finds what would make [File.Set] fail, so that a login can fail before it contacts
// anything: a file that is not an auth file or not ours, or a folder that cannot be
// written. It changes nothing, and does not lock, so it may see half of another process's
// write in place. The error is an [*Error].
func (f *File) Check() error { return located(f.path, f.check()) }

func (f *File) check() error {
	now, err := f.look()
	if err != nil {
		return err
	}
	if err := cmp.Or(checkText(now.text), f.checkRecord(), f.checkNames(), f.checkFolder()); err != nil {
		return err
	}
	if err := ownfile.Writable(f.path); errors.Is(err, syscall.EROFS) { // the file alone can be a read-only mount
		return because(ReadOnly, err)
	}
	return nil
}

// checkText finds what no tool can read, or where tools disagree.
func checkText(text []byte) error {
	for _, object := range objects {
		if _, err := parse(text, object); err != nil {
			return err
		}
	}
	return nil
}

// recordTrust is for the record and its lock. Root may write another user's auth file,
// in a folder of that user's; the files beside it are root's then.
func (f *File) recordTrust() ownfile.Trust { return f.trust.RootAnywhere() }

// checkRecord finds a record or a lock that is not ours to write, or not understood.
func (f *File) checkRecord() error {
	for _, path := range []string{f.lockPath(), f.recordPath()} {
		if err := f.recordTrust().Check(path); errors.Is(err, syscall.ENOTDIR) {
			return nil
		} else if err != nil {
			return recordFault(path, err)
		}
	}
	_, _, _, err := f.load()
	return err
}

// checkNames finds a file name that leaves no room for those beside it.
func (f *File) checkNames() error {
	const longestNumber = ".4294967295" // os.CreateTemp
	if _, err := os.Lstat(f.recordPath() + longestNumber); errors.Is(err, syscall.ENAMETOOLONG) {
		return because(NameTooLong, err)
	}
	return nil
}

// checkFolder finds a folder in which no file can be created. It asks the system,
// because a test file might stay.
func (f *File) checkFolder() error {
	folder := f.dir()
	info, err := os.Stat(folder)
	for errors.Is(err, fs.ErrNotExist) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		info, err = os.Stat(folder)
	}
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return because(FolderUncreatable, err)
	}
	err = ownfile.Writable(folder)
	switch {
	case err == nil || f.writableInPlace():
		return nil
	case folder != f.dir():
		return because(FolderUncreatable, err)
	case errors.Is(err, syscall.EROFS):
		return because(FolderReadOnly, err)
	}
	return because(FolderNotWritable, err)
}

// writableInPlace reports whether all files are there already, so that the folder need
// not be written.
func (f *File) writableInPlace() bool {
	return ownfile.Writable(f.path) == nil && ownfile.Writable(f.recordPath()) == nil && ownfile.Writable(f.lockPath()) == nil
}
