// SPDX-License-Identifier: Apache-2.0

//go:build unix

package certsd

import (
	"io/fs"
	"os"
	"syscall"
)

// belongsToUs reports whether a file is of the user that we are.
func belongsToUs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}
