// SPDX-License-Identifier: Apache-2.0

//go:build unix

package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	noFollow = syscall.O_NOFOLLOW
	// NoWait has [os.OpenFile] not wait for the other end of a pipe.
	NoWait = syscall.O_NONBLOCK
)

// OwnerOf is the numbers of the user and the group whose file it is.
func OwnerOf(info fs.FileInfo) (uid, gid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// Writable asks the system whether a file may be written, or files made in a folder.
func Writable(path string) error {
	mode := uint32(unix.W_OK)
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.IsDir() {
		mode |= unix.X_OK
	}
	return syscall.Access(path, mode)
}

// TryLock takes the lock of an open file, or reports that another process has it. The
// error is that of a file system without locks.
func TryLock(file *os.File) (locked bool, err error) {
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
