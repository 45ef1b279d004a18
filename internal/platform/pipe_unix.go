// SPDX-License-Identifier: Apache-2.0

//go:build unix

package platform

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openPipe opens a named pipe for writing, and does not wait for a reader: without one
// the error is [errUnread]. The result is nil for any other file, and for none.
func openPipe(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return nil, nil //nolint:nilerr // the write will tell
	}
	pipe, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		return nil, errUnread
	}
	return pipe, err
}
