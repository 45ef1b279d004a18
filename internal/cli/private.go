// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/wholefile"
)

// checkPrivate finds what would keep writePrivate from writing, before there is
// anything to write.
func checkPrivate(path string) error {
	info, err := os.Stat(filepath.Dir(path))
	if err == nil && !info.IsDir() {
		err = errors.New("its folder is a file")
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errno.Of(err))
	}
	return nil
}

// writePrivate puts text in a file that its owner alone can read. A regular
// file is replaced in one step. What is none, a link or a pipe or /dev/stdout,
// stays, and what it leads to is written.
func writePrivate(path string, text []byte) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = writeThrough(path, text)
	} else {
		err = wholefile.Write(path, "."+filepath.Base(path)+".", text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errno.Of(err))
	}
	return nil
}

func writeThrough(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
