// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// CheckCopy finds what would make [Copy] fail, and leaves nothing behind.
func CheckCopy(executable, folder string, known ...Installed) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	p, err := copyOf(executable, folder)
	if err != nil {
		return err
	}
	if free, err := p.free(known); err != nil || !free {
		return err
	}
	return writable(folder)
}

// CheckLink finds what would make [Link] fail, and leaves nothing behind.
func CheckLink(executable, folder string, trust ownfile.Trust) error {
	if err := trust.CheckPrivate(folder); err != nil {
		return err
	}
	if err := trust.Alone(folder, isProgram); err != nil {
		return err
	}
	p := &Installed{Path: place(executable, folder), Target: executable}
	if p.There() {
		return nil
	}
	return writable(folder)
}

// writable reports why nothing can be made in a folder or, where that is not
// there, in the folder above. It tries: rights alone do not tell of a file system
// that is read-only or full.
func writable(folder string) error {
	_, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(folder) != folder {
		return writable(filepath.Dir(folder))
	}
	if err != nil {
		return err
	}
	_, remove, err := wholefile.Folder(folder, "."+Program+".")
	if err == nil {
		remove()
	}
	return err
}
