// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/process"
)

// linkFolder begins the name of the folder that holds only the link to the program.
const linkFolder = "quay-keyless-bin"

// program is where the helper's program goes: a copy into the folder that the user named,
// or a link in our own folder.
type program struct {
	credhelper.Place
	shared bool // all logins of the job share the folder, so only the runner empties it
	found  bool // tools find the program without us, and will as long as this login lasts
}

// checkHelper finds what would make writeHelper fail.
func (l *login) checkHelper() error {
	program, err := l.program()
	if err != nil {
		return err
	}
	for _, target := range l.plan.Files {
		if err := target.File.Check(); err != nil {
			return err
		}
	}
	if program.found {
		return nil
	}
	return program.Check()
}

// installProgram installs the program where tools find it as a helper, and notes in the
// result the folder to add to PATH. It returns what the login's end removes, nil for
// nothing.
func (l *login) installProgram() (*credhelper.Installed, error) {
	program, err := l.program()
	if err != nil || program.found {
		return nil, err
	}
	installed, err := program.Install()
	if err != nil {
		return nil, err
	}
	if program.Private || !slices.Contains(filepath.SplitList(l.Env.Getenv("PATH")), program.Folder) {
		l.result.Path = program.Folder
	}
	if installed == nil || program.shared {
		return nil, nil
	}
	for _, target := range l.plan.Files {
		if path := credhelper.Beside(target.File.Path(), l.Env.Trust).Path(); !slices.Contains(installed.Holders, path) {
			installed.Holders = append(installed.Holders, path)
		}
	}
	if installed.Fresh {
		l.back = append(l.back, func(context.Context) error { return installed.Remove() })
	}
	return installed, nil
}

// program finds the place.
func (l *login) program() (p program, err error) {
	if p.Known, err = Programs(l.Run, l.plan); err != nil {
		return p, err
	}
	p.Trust, p.Private, p.Folder = l.Env.Trust, l.flags.Helper.dir == "", l.flags.Helper.dir
	if l.Env.Executable == nil {
		err = errors.ErrUnsupported
	} else {
		p.Executable, err = l.Env.Executable()
	}
	if err != nil {
		return p, fmt.Errorf("cannot find the path of this program, so tools cannot find it either: %w", err)
	}
	if p.Private {
		p.Folder, p.shared = programFolder(l.Run, filepath.Dir(l.plan.Files[0].File.Path()))
		p.found = credhelper.OnPath(slices.DeleteFunc(filepath.SplitList(l.Env.Getenv("PATH")), func(folder string) bool {
			// Another login's link does not last.
			return strings.HasPrefix(filepath.Base(folder), linkFolder) && filepath.Clean(folder) != p.Folder
		}), p.Executable)
	}
	p.Folder, err = filepath.Abs(p.Folder)
	return p, err
}

// Programs are what earlier logins into these files installed. The error is that of
// settings that cannot be read.
func Programs(run *process.Run, plan lookup.Plan) ([]credhelper.Installed, error) {
	var all []credhelper.Installed
	for _, target := range plan.Files {
		programs, err := credhelper.Beside(target.File.Path(), run.Env.Trust).Programs()
		if err != nil {
			return nil, err
		}
		all = append(all, programs...)
	}
	return all, nil
}

// programFolder is the link's folder: in the runner's temporary folder, shared by the
// logins of a job, or beside the auth file. If another user could replace that folder, it
// is in the system's temporary folder instead, for this auth file.
func programFolder(run *process.Run, beside string) (folder string, shared bool) {
	folder = filepath.Join(beside, linkFolder)
	if temporary := run.Env.Getenv("RUNNER_TEMP"); temporary != "" {
		folder, shared = filepath.Join(temporary, linkFolder), true
	}
	if !errors.As(run.Env.Trust.Fixed(folder), new(*ownfile.Error)) {
		return folder, shared
	}
	sum := sha256.Sum256(fmt.Append(nil, run.Env.UID, beside))
	return filepath.Join(temporary(run, "TMPDIR", "TEMP"), linkFolder+"-"+hex.EncodeToString(sum[:8])), false
}
