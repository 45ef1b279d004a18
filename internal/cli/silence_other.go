// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !windows

package cli

import "os"

// silence knows no terminals on this system.
func silence(*os.File) (restore func(), err error) { return nil, errNoTerminal }
