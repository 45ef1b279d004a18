// SPDX-License-Identifier: Apache-2.0

//go:build unix

package ownfile

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	noFollow = syscall.O_NOFOLLOW
	noWait   = syscall.O_NONBLOCK
)

// ownerOf is the number of the user whose file it is.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// tryLock takes the lock of an open file, or reports that another process has it.
func tryLock(file *os.File) (locked bool, err error) {
	connection, err := file.SyscallConn()
	if err != nil {
		return false, err
	}
	var refused error
	err = connection.Control(func(fd uintptr) {
		for {
			refused = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB)
			if refused != unix.EINTR {
				return
			}
		}
	})
	switch {
	case err != nil:
		return false, err
	case refused == unix.EWOULDBLOCK:
		return false, nil
	case refused != nil:
		return false, &fs.PathError{Op: "flock", Path: file.Name(), Err: refused}
	}
	return true, nil
}
