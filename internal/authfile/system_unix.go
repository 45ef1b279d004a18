// SPDX-License-Identifier: Apache-2.0

//go:build unix

package authfile

import (
	"io/fs"
	"os"
	"syscall"
)

// owners compares the user that a file belongs to with the one that we are.
func owners(info fs.FileInfo) (owner, us int, same bool) {
	us = os.Geteuid()
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return us, us, true
	}
	owner = int(stat.Uid)
	return owner, us, owner == us
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
