// SPDX-License-Identifier: Apache-2.0

package ownfile

import (
	"errors"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// Windows opens neither links nor pipes by these names in other ways than files.
const noFollow, NoWait = 0, 0

// OwnerOf is unknown: Windows has no user numbers.
func OwnerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }

// Writable asks only whether the path is there: Windows' access lists have no
// question that an attempt would not answer better.
func Writable(path string) error {
	_, err := os.Stat(path)
	return err
}

// TryLock takes the lock of an open file, or reports that another process has it.
func TryLock(file *os.File) (locked bool, err error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, math.MaxUint32, math.MaxUint32, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}
