// SPDX-License-Identifier: Apache-2.0

// Package wholefile replaces a file in one step: if the program is killed at any time,
// the name leads to the whole old text or to the whole new text.
package wholefile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"quay-keyless/internal/ownfile"
)

// File is a new file that has a temporary name until [File.Commit]. It is locked
// until then, so that [Sweep] does not remove it.
type File struct {
	path string
	file *os.File
	done bool // it has its path, or was removed
}

// errTaken is the error of a new file whose temporary name another process took away.
var errTaken = errors.New("another process removed or replaced the new file")

// Create makes a new private file in path's folder, under a name of prefix and a
// number, and first removes what killed writers with this prefix left there.
func Create(path, prefix string) (*File, error) {
	folder := filepath.Dir(path)
	Sweep(folder, prefix)
	for {
		file, err := os.CreateTemp(folder, prefix+"*")
		if err != nil {
			return nil, err
		}
		if claim(file) {
			return &File{path: path, file: file}, nil
		}
		_ = file.Close() // a sweep found it before it was locked
	}
}

// Commit writes text into the file, gives it mode, whatever the umask is, or
// [ownfile.Private] for 0, and renames it to its path, where it replaces a link. When it
// returns, text and name are on the disk. After an error, unless only that last step
// failed, the folder is as it was before [Create].
func (f *File) Commit(text []byte, mode fs.FileMode) error { return f.commit(text, mode, nil) }

// commit asks ready, if there is one, right before the new file gets its path.
func (f *File) commit(text []byte, mode fs.FileMode, ready func() error) error {
	err := f.fill(text, cmp.Or(mode, ownfile.Private))
	if err == nil && ready != nil {
		err = ready()
	}
	if err == nil && !ownfile.IsAt(f.file, f.file.Name()) {
		err = &fs.PathError{Op: "rename", Path: f.file.Name(), Err: errTaken}
	}
	if runtime.GOOS == "windows" { // which does not rename an open file
		err = errors.Join(err, f.file.Close())
	}
	if err == nil {
		err = os.Rename(f.file.Name(), f.path)
	}
	if err != nil {
		f.Discard()
		return err
	}
	f.done = true
	_ = f.file.Close() // it is on the disk
	return SyncName(f.path)
}

// fill writes the new file to the disk and gives it its mode.
func (f *File) fill(text []byte, mode fs.FileMode) error {
	_, err := f.file.Write(text)
	if err == nil && mode != ownfile.Private { // which [os.CreateTemp] gives
		err = f.file.Chmod(mode)
	}
	if err == nil {
		err = f.file.Sync()
	}
	return err
}

// Discard removes the file, unless it was committed.
func (f *File) Discard() {
	if !f.done {
		f.done = true
		_ = os.Remove(f.file.Name())
		_ = f.file.Close()
	}
}

// Write is [Create] and [File.Commit].
func Write(path, prefix string, text []byte, mode fs.FileMode) error {
	return Replace(path, prefix, nil, text, mode, nil)
}

// Replace is [Write] over the file that old describes; nil is no file. Its owner and its
// group stay, or the error is [fs.ErrPermission]; so does its mode if mode is 0. Old comes
// from the open file that the caller read, since path may name another user's by now. An
// error of ready, which may be nil, stops the new file right before it gets the path.
func Replace(path, prefix string, old fs.FileInfo, text []byte, mode fs.FileMode, ready func() error) error {
	if old != nil && !old.Mode().IsRegular() {
		return &fs.PathError{Op: "replace", Path: path, Err: errors.New("not a regular file")}
	}
	file, err := Create(path, prefix)
	if err != nil {
		return err
	}
	if old != nil {
		mode = cmp.Or(mode, old.Mode().Perm())
		err = keepOwner(file.file, old)
	}
	if err != nil {
		file.Discard()
		return err
	}
	return file.commit(text, mode, ready)
}

// Folder makes a private folder for files that will be renamed, under a name of prefix
// and a number, and first removes what killed processes with this prefix left. Remove
// removes it with all that is in it.
func Folder(in, prefix string) (path string, remove func(), err error) {
	Sweep(in, prefix)
	for {
		path, err := os.MkdirTemp(in, prefix)
		if err != nil {
			return "", nil, err
		}
		folder, err := os.Open(path)
		if err == nil && claim(folder) {
			return path, func() {
				_ = folder.Close() // Windows removes no open folder
				_ = os.RemoveAll(path)
			}, nil
		}
		_ = folder.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // else a sweep found it before it was locked
			return "", nil, err
		}
	}
}

// Sweep removes from a folder the files and folders that killed writers with this
// prefix left there. Those of writers at work stay.
func Sweep(folder, prefix string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // writing there will tell why
	}
	for _, entry := range entries {
		number, ours := strings.CutPrefix(entry.Name(), prefix)
		if ours && number != "" && strings.Trim(number, "0123456789") == "" && (entry.Type().IsRegular() || entry.IsDir()) {
			removeAbandoned(filepath.Join(folder, entry.Name()))
		}
	}
}

// removeAbandoned removes a file or folder that no process has locked. The lock ends with the
// process that held it, however that ended. While this function has the lock, no
// other process claims, renames or removes the file.
//
// On Windows it removes an old one: an open file cannot be renamed there, so the writer
// has to let go of the lock before.
func removeAbandoned(path string) {
	if runtime.GOOS == "windows" {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > abandonedAfter {
			_ = os.RemoveAll(path)
		}
		return
	}
	file, err := os.OpenFile(path, os.O_RDWR|ownfile.NoWait, 0) // a lock over NFS needs the right to write
	if errors.Is(err, syscall.EISDIR) {
		file, err = os.OpenFile(path, os.O_RDONLY|ownfile.NoWait, 0)
	}
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	if locked, _ := ownfile.TryLock(file); locked && ownfile.IsAt(file, path) {
		_ = os.RemoveAll(path)
	}
}

// abandonedAfter is far longer than writing a file takes.
const abandonedAfter = 24 * time.Hour

// claim locks a new file, and reports false if a sweep has it. On a file system
// without locks the file is not locked, and no sweep removes it.
func claim(file *os.File) bool {
	if runtime.GOOS == "windows" {
		return true
	}
	locked, unsupported := ownfile.TryLock(file)
	return unsupported != nil || locked && ownfile.IsAt(file, file.Name())
}

// keepOwner gives a new file the owner and the group of an old one. Windows gives it the
// folder's access list.
func keepOwner(file *os.File, old fs.FileInfo) error {
	made, err := file.Stat()
	if err != nil || ownfile.SameOwner(old, made) {
		return err
	}
	uid, gid, _ := ownfile.OwnerOf(old)
	return file.Chown(uid, gid)
}

// SyncName makes the name of a file durable. Windows keeps names by itself, and some file
// systems have no such thing for folders and say EINVAL.
func SyncName(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be written, but not listed
	} else if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
