// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// Installed is where the program was put under the helper's name, and how to recognize
// it.
type Installed struct {
	Path   string `json:"path"`
	Target string `json:"target,omitempty"` // of a symbolic link
	SHA256 string `json:"sha256,omitempty"` // of a copy
	// Holders are the settings files of the login that put it there. The last of them
	// removes it.
	Holders []string `json:"holders,omitempty"`
	// Private: the folder was made for the program, and is removed with it.
	Private bool `json:"private,omitempty"`
	// Fresh: this call put it there, not an earlier one.
	Fresh bool `json:"-"`
}

// among reports whether what is in the program's place is one of the known.
func (i *Installed) among(known []Installed) bool {
	return slices.ContainsFunc(known, func(k Installed) bool { return k.Path == i.Path && k.There() })
}

// There reports whether the program is still what was put there.
func (i *Installed) There() bool {
	info, err := os.Lstat(i.Path)
	switch {
	case err != nil:
		return false
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(i.Path)
		return err == nil && i.Target != "" && target == i.Target
	case !info.Mode().IsRegular():
		return false
	}
	sum, err := sum(i.Path)
	return err == nil && sum == i.SHA256
}

// Remove removes the program if it is still what was put there, and its folder if that was
// made for it and holds nothing else.
func (i *Installed) Remove() error {
	if i.There() {
		if err := os.Remove(i.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	wholefile.Sweep(filepath.Dir(i.Path), temporary) // a killed login may have left some
	if i.Private {
		_ = os.Remove(filepath.Dir(i.Path))
	}
	return nil
}

// temporary begins the name of an unfinished program.
const temporary = "." + Program + "."

func isProgram(name string) bool { return Called(name) || strings.HasPrefix(name, temporary) }

// put makes the program beside its place and renames it, so that a tool finds the old one
// or the new one, whole.
func (i *Installed) put(executable string) error {
	folder, remove, err := wholefile.Folder(filepath.Dir(i.Path), temporary)
	if err != nil {
		return err
	}
	defer remove()
	unfinished := filepath.Join(folder, Program)
	if i.Target != "" {
		err = os.Symlink(i.Target, unfinished)
	} else {
		err = copyFile(executable, unfinished)
	}
	if err != nil {
		return err
	}
	i.Fresh = true
	return os.Rename(unfinished, i.Path)
}

func copyFile(from, to string) error {
	source, err := ownfile.OpenAny(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	// The umask may have removed rights that the users of other steps need.
	return errors.Join(err, copied.Chmod(0o755), copied.Sync(), copied.Close())
}

func sum(path string) (string, error) {
	file, err := ownfile.OpenAny(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), err
}
