// SPDX-License-Identifier: Apache-2.0

package cli

import "golang.org/x/sys/unix"

// The system's names for reading and writing a terminal's settings.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
