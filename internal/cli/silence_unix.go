// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// silence switches a terminal's echo off. The error means that the file is no
// terminal.
func silence(terminal *os.File) (restore func(), err error) {
	number := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(number, getTermios)
	if err != nil {
		return nil, err
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(number, setTermios, &quiet); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(number, setTermios, before) }, nil
}
