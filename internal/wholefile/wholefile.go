// SPDX-License-Identifier: Apache-2.0

// Package wholefile writes a file at one stroke: whatever dies in between, its name
// leads to the old text or to the new one, and to all of it.
package wholefile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// private is the mode that [os.CreateTemp] gives.
const private fs.FileMode = 0o600

// Write puts text in the place of what path names: in a new file beside it, which is
// renamed over it. The new file's name is prefix and a number; it is private until it
// has its text, and gets mode then if that is another, whatever the umask says. A link
// at path is replaced, not followed. When Write returns, the text and the name are on the disk.
//
// The errors are the system's. Unless only the last step failed, the folder is then as
// it was.
func Write(path, prefix string, text []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), prefix+"*")
	if err != nil {
		return err
	}
	err = fill(file, text, mode)
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return err
	}
	return SyncName(path)
}

// fill writes the new file to the disk, gives it its mode and closes it.
func fill(file *os.File, text []byte, mode fs.FileMode) error {
	_, err := file.Write(text)
	if err == nil && mode != private {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// Sweep removes from a folder what writers with this prefix left there that died. The
// caller makes sure, by a lock, that no other is at work.
func Sweep(folder, prefix string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // writing there will tell why
	}
	for _, entry := range entries {
		number, ours := strings.CutPrefix(entry.Name(), prefix)
		if ours && number != "" && strings.Trim(number, "0123456789") == "" {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}
