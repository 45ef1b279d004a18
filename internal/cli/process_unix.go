// SPDX-License-Identifier: Apache-2.0

//go:build unix

package cli

import "syscall"

// keepOwner takes the owner's rights out of the process's umask: a login's files
// have the modes that are asked for, and under umask 777 nobody could read them. What
// the umask takes from others is the user's to choose.
func keepOwner() {
	const nothing, owner = 0o777, 0o700
	syscall.Umask(syscall.Umask(nothing) &^ owner)
}
