// SPDX-License-Identifier: Apache-2.0

package credhelper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/wholefile"
)

// Place is a folder in which tools are to find the program under the helper's name.
type Place struct {
	Executable, Folder string // absolute
	Trust              ownfile.Trust
	// Private: only the program is in the folder, which goes on PATH, so nobody else may
	// write there. The program is a link; on Windows, where links need a privilege, a copy.
	// Otherwise the folder is any, and the program a copy for images that lack it: it needs
	// only the kernel there.
	Private bool
	// Known are those that earlier logins put somewhere. They may be replaced.
	Known []Installed
}

// errOccupied is the error of a place that another program has.
var errOccupied = errors.New("there is another program")

// NotInstalled is the error of a program that could not be installed in a folder.
func NotInstalled(folder string, err error) error {
	text := fmt.Sprintf("putting %s into %s: %v", Program, folder, errno.WithoutPath(err))
	choose := platform.Step{Text: "Choose a folder on PATH that this user can write, with --helper-dir DIR."}
	if !errors.Is(err, errOccupied) {
		return &platform.Curable{Text: text, Reason: "helper-folder", Steps: []platform.Step{choose}}
	}
	remove := platform.Step{Text: "If you do not need that program:", Command: "rm " + platform.Operand(filepath.Join(folder, Program))}
	return &platform.Curable{Text: text, Reason: "helper-folder", Steps: []platform.Step{remove, choose}}
}

// Check finds what would make [Place.Install] fail, and leaves nothing behind. The error is
// that of [NotInstalled].
func (p Place) Check() error {
	program, err := p.look()
	if err == nil && !program.There() {
		err = writable(p.Folder)
	}
	if err != nil {
		return NotInstalled(p.Folder, err)
	}
	return nil
}

// Install puts the program there. It returns nil if the same program is there already and
// is not ours to remove. The error is that of [NotInstalled].
func (p Place) Install() (*Installed, error) {
	program, err := p.look()
	switch {
	case err == nil && program.There():
		if !p.Private && !program.among(p.Known) {
			return nil, nil
		}
		return program, nil
	case err == nil && p.Private:
		err = p.Trust.Private(p.Folder)
	case err == nil:
		err = os.MkdirAll(p.Folder, 0o755) //nolint:gosec // steps run as other users
	}
	if err == nil {
		err = program.put(p.Executable)
	}
	if err != nil {
		return nil, NotInstalled(p.Folder, err)
	}
	return program, nil
}

// look is what the program would be there, unless something is in its way.
func (p Place) look() (program *Installed, err error) {
	program = &Installed{Path: inFolder(p.Folder, p.Executable), Private: p.Private}
	if p.Private {
		err = p.Trust.CheckPrivate(p.Folder)
		if err == nil {
			err = p.Trust.Alone(p.Folder, isProgram)
		}
	}
	if p.Private && runtime.GOOS != "windows" {
		program.Target = p.Executable
		return program, err
	}
	if err == nil {
		program.SHA256, err = sum(p.Executable)
	}
	if _, missing := os.Lstat(program.Path); err == nil && !errors.Is(missing, fs.ErrNotExist) {
		err = missing
		if err == nil && !p.Private && !program.There() && !program.among(p.Known) {
			err = errOccupied
		}
	}
	return program, err
}

// inFolder is the program's path in a folder.
func inFolder(folder, executable string) string {
	if strings.EqualFold(filepath.Ext(executable), ".exe") {
		return filepath.Join(folder, Program+".exe")
	}
	return filepath.Join(folder, Program)
}

// writable reports why nothing can be made in a folder or, if that is missing, in the
// folder above. It tries: rights alone do not tell of a file system that is read-only or
// full.
func writable(folder string) error {
	_, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(folder) != folder {
		return writable(filepath.Dir(folder))
	}
	if err != nil {
		return err
	}
	_, remove, err := wholefile.Folder(folder, temporary)
	if err == nil {
		remove()
	}
	return err
}

// OnPath reports whether tools find this executable under the helper's name already.
// Folders are those of PATH.
func OnPath(folders []string, executable string) bool {
	own, err := os.Stat(executable)
	if err != nil {
		return false
	}
	for _, folder := range folders {
		found, err := os.Stat(inFolder(folder, executable))
		if err != nil || found.IsDir() || runtime.GOOS != "windows" && found.Mode().Perm()&0o111 == 0 {
			continue
		}
		return os.SameFile(own, found)
	}
	return false
}
