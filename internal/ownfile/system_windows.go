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
const noFollow, noWait = 0, 0

// ownerOf is unknown: Windows has no user numbers.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }

// tryLock takes the lock of an open file, or reports that another process has it.
func tryLock(file *os.File) (locked bool, err error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, math.MaxUint32, math.MaxUint32, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}
