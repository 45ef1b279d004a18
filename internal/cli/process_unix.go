// SPDX-License-Identifier: Apache-2.0

//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepOwner takes the owner's rights out of the process's umask: a login's files
// have the modes that are asked for, and under umask 777 nobody could read them. What
// the umask takes from others is the user's to choose. It can be read only by setting
// another, under which a file that is made meanwhile, in a test, has its owner too.
func keepOwner() {
	const private, owner = 0o077, 0o700
	syscall.Umask(syscall.Umask(private) &^ owner)
}

// unread reports a standard output that was closed when the program began. Go's
// runtime opens /dev/null in its place, for reading and writing (runtime, checkfds),
// which a shell's >/dev/null does not. Python's subprocess.DEVNULL does, and cannot be
// told from it.
func unread() bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	info, err := os.Stdout.Stat()
	if err != nil || !os.SameFile(null, info) {
		return false
	}
	flags, err := unix.FcntlInt(uintptr(syscall.Stdout), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
