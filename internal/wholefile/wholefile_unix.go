// SPDX-License-Identifier: Apache-2.0

//go:build unix

package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"quay-keyless/internal/ownfile"
)

// SyncName makes the name of a file durable. Some file systems have no such
// thing for folders and say EINVAL.
func SyncName(path string) error {
	folder, err := os.OpenFile(filepath.Dir(path), os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be written, but not listed
	} else if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// keepOwner gives a new file the owner and the group of an old one.
func keepOwner(file *os.File, old fs.FileInfo) error {
	made, err := file.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), made.Sys().(*syscall.Stat_t)
	if was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}

// claim locks a new file, and reports false if a sweep has it. On a file system
// without locks the file is not locked, and no sweep removes it.
func claim(file *os.File) bool {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return !errors.Is(err, syscall.EWOULDBLOCK) && (err != nil || ownfile.IsAt(file, file.Name()))
}

// removeAbandoned removes a file or folder that no process has locked. The lock ends with the
// process that held it, however that ended. While this function has the lock, no
// other process claims, renames or removes the file.
func removeAbandoned(path string) {
	const flags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	file, err := os.OpenFile(path, os.O_RDWR|flags, 0) // a lock over NFS needs the right to write
	if errors.Is(err, syscall.EISDIR) {
		file, err = os.OpenFile(path, os.O_RDONLY|flags, 0)
	}
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && ownfile.IsAt(file, path) {
		_ = os.RemoveAll(path)
	}
}
