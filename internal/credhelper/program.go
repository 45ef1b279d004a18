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
	"runtime"
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

// Folder is what belongs on PATH.
func (p *Installed) Folder() string { return filepath.Dir(p.Path) }

// ErrOccupied is the error of a place that another program has.
var ErrOccupied = errors.New("there is another program")

// Link puts a symbolic link to the executable into a folder of its own (0700); on
// Windows, where links need a privilege, a copy. It replaces what another login left
// there. The folder goes on PATH, so Link refuses one that others can write, or have
// written.
func Link(executable, folder string, trust ownfile.Trust) (*Installed, error) {
	if err := trust.Private(folder); err != nil {
		return nil, err
	}
	if err := trust.Alone(folder, isProgram); err != nil {
		return nil, err
	}
	if runtime.GOOS == "windows" {
		p, err := copyOf(executable, folder)
		if err != nil {
			return nil, err
		}
		p.Private = true
		if p.There() {
			return p, nil
		}
		return p, p.put(func(path string) error { return copyFile(executable, path) })
	}
	p := &Installed{Path: place(executable, folder), Target: executable, Private: true}
	if p.There() {
		return p, nil
	}
	return p, p.put(func(path string) error { return os.Symlink(executable, path) })
}

// Copy puts the executable into any folder, mode 0755, for images that are not ours: it
// needs only the kernel there. known are those that earlier logins put somewhere; Copy
// may replace them. It returns nil if the same program is there already and is not ours
// to remove. The error for another program is [ErrOccupied].
func Copy(executable, folder string, known ...Installed) (*Installed, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // steps run as other users
		return nil, err
	}
	p, err := copyOf(executable, folder)
	if err != nil {
		return nil, err
	}
	free, err := p.free(known)
	switch ours := p.among(known); {
	case err != nil:
		return nil, err
	case !free && !ours:
		return nil, nil
	case !free:
		return p, nil
	}
	return p, p.put(func(path string) error { return copyFile(executable, path) })
}

// free reports whether the program is to be put in its place; false where it is
// there. The error for another one that is not known is [ErrOccupied].
func (p *Installed) free(known []Installed) (bool, error) {
	switch _, err := os.Lstat(p.Path); {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case p.There():
		return false, nil
	case !p.among(known):
		return false, ErrOccupied
	}
	return true, nil
}

// among reports whether what is in the program's place is one of the known.
func (p *Installed) among(known []Installed) bool {
	return slices.ContainsFunc(known, func(k Installed) bool { return k.Path == p.Path && k.There() })
}

// There reports whether the program is still what was put there.
func (p *Installed) There() bool {
	info, err := os.Lstat(p.Path)
	switch {
	case err != nil:
		return false
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(p.Path)
		return err == nil && p.Target != "" && target == p.Target
	case !info.Mode().IsRegular():
		return false
	}
	sum, err := sum(p.Path)
	return err == nil && sum == p.SHA256
}

// Remove takes the program away if it is still what was put there, and its
// folder if that was made for it and holds nothing else.
func (p *Installed) Remove() error {
	if p.There() {
		if err := os.Remove(p.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	wholefile.Sweep(p.Folder(), "."+Program+".") // a killed login may have left some
	if p.Private {
		_ = os.Remove(p.Folder())
	}
	return nil
}

// OnPath reports whether tools find this executable under the helper's name
// already. Folders are those of PATH.
func OnPath(folders []string, executable string) bool {
	own, err := os.Stat(executable)
	if err != nil {
		return false
	}
	for _, folder := range folders {
		found, err := os.Stat(place(executable, folder))
		if err != nil || found.IsDir() || runtime.GOOS != "windows" && found.Mode().Perm()&0o111 == 0 {
			continue
		}
		return os.SameFile(own, found)
	}
	return false
}

// isProgram reports whether a name in the folder of [Link] is the program's, or that
// of an unfinished one (see put).
func isProgram(name string) bool {
	return Called(name) || strings.HasPrefix(name, "."+Program+".")
}

// place is the program's path in a folder.
func place(executable, folder string) string {
	if strings.EqualFold(filepath.Ext(executable), ".exe") {
		return filepath.Join(folder, Program+".exe")
	}
	return filepath.Join(folder, Program)
}

// put makes the program beside its place and renames it, so that a tool finds
// the old one or the new one, whole.
func (p *Installed) put(make func(path string) error) error {
	folder, remove, err := wholefile.Folder(p.Folder(), "."+Program+".")
	if err != nil {
		return err
	}
	defer remove()
	temporary := filepath.Join(folder, Program)
	if err := make(temporary); err != nil {
		return err
	}
	p.Fresh = true
	return os.Rename(temporary, p.Path)
}

func copyOf(executable, folder string) (*Installed, error) {
	sum, err := sum(executable)
	return &Installed{Path: place(executable, folder), SHA256: sum}, err
}

func copyFile(from, to string) error {
	source, err := ownfile.OpenAny(from, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	// The umask may have taken rights that the users of other steps need.
	return errors.Join(err, copied.Chmod(0o755), copied.Sync(), copied.Close())
}

func sum(path string) (string, error) {
	file, err := ownfile.OpenAny(path, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
