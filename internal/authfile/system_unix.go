// SPDX-License-Identifier: Apache-2.0

//go:build unix

package authfile

import (
	"io/fs"
	"os"
	"syscall"
)

// readableByAll reports whether every user can read a file.
func readableByAll(info fs.FileInfo) bool { return info.Mode().Perm()&0o004 != 0 }

// sameOwner reports whether two files have the same owner and group.
func sameOwner(a, b fs.FileInfo) bool {
	one, other := a.Sys().(*syscall.Stat_t), b.Sys().(*syscall.Stat_t)
	return one.Uid == other.Uid && one.Gid == other.Gid
}

// writable asks the system whether a file may be written, or files made in a folder.
func writable(path string) error {
	const write, search = 2, 1 // access(2)
	mode := uint32(write)
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.IsDir() {
		mode |= search
	}
	return syscall.Access(path, mode)
}
