// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"quay-keyless/internal/credhelper"
)

// errNoExecutable is the error of a system that does not say what runs.
var errNoExecutable = errors.New("where this program is cannot be found out, so tools cannot find it")

// linkFolder is the name of the folder that a link to the program has for itself.
const linkFolder = "quay-keyless-bin"

// reachable puts the program where tools find it as a helper: into the folder
// that the user named as a copy, or into one of its own as a link, unless PATH
// leads to it already. It gives what was put there for this login, nil for
// nothing, and the folder that belongs on PATH, "" for none.
//
// The folder in RUNNER_TEMP is that of every login in the job, and the runner
// empties it: nobody else takes it away.
func (a *app) reachable(files authFiles, helper helperFlags) (program *credhelper.Installed, path string, err error) {
	executable, err := a.executable()
	if err != nil {
		return nil, "", err
	}
	if helper.dir != "" {
		program, path, err = a.copied(executable, files, helper.dir)
		return program, path, inFolder(helper.dir, err)
	}
	folder, shared := a.programFolder(files)
	if a.found(executable, folder) {
		return nil, "", nil
	}
	program, err = credhelper.Link(executable, folder, a.env.Trust)
	switch {
	case err != nil:
		return nil, "", inFolder(folder, err)
	case shared:
		return nil, folder, nil
	}
	program.Holders = a.settingsFiles(files)
	return program, folder, nil
}

// checkProgram finds what would make reachable fail.
func (a *app) checkProgram(files authFiles, helper helperFlags, known []credhelper.Installed) error {
	executable, err := a.executable()
	if err != nil {
		return err
	}
	if helper.dir != "" {
		return inFolder(helper.dir, credhelper.CheckCopy(executable, helper.dir, known...))
	}
	folder, _ := a.programFolder(files)
	if a.found(executable, folder) {
		return nil
	}
	return inFolder(folder, credhelper.CheckLink(executable, folder, a.env.Trust))
}

// inFolder says where the program was to be put.
func inFolder(folder string, err error) error {
	if err == nil {
		return nil
	}
	return &placeError{folder, err}
}

// executable is the running program.
func (a *app) executable() (string, error) {
	if a.env.Executable == nil {
		return "", errNoExecutable
	}
	executable, err := a.env.Executable()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoExecutable, err)
	}
	return executable, nil
}

// found reports whether tools find the program already, and will as long as this
// login lasts: the link of another login goes with that one.
func (a *app) found(executable, folder string) bool {
	var lasting []string
	for _, on := range filepath.SplitList(a.env.Getenv("PATH")) {
		if filepath.Base(on) != linkFolder || filepath.Clean(on) == folder {
			lasting = append(lasting, on)
		}
	}
	return credhelper.OnPath(lasting, executable)
}

// copied is reachable by a copy.
func (a *app) copied(executable string, files authFiles, folder string) (*credhelper.Installed, string, error) {
	known, err := a.programs(files)
	if err != nil {
		return nil, "", err
	}
	program, err := credhelper.Copy(executable, folder, known...)
	if err != nil {
		return nil, "", err
	}
	if program != nil {
		program.Holders = a.settingsFiles(files)
	}
	folder, err = filepath.Abs(folder)
	if err != nil || slices.Contains(filepath.SplitList(a.env.Getenv("PATH")), folder) {
		folder = ""
	}
	return program, folder, err
}

// programs are what earlier logins into these files put somewhere. The error is
// that of settings which cannot be read.
func (a *app) programs(files authFiles) ([]credhelper.Installed, error) {
	var all []credhelper.Installed
	for _, file := range files {
		programs, err := credhelper.Beside(file.Path(), a.env.Trust).Programs()
		if err != nil {
			return nil, err
		}
		all = append(all, programs...)
	}
	return all, nil
}

// settingsFiles are those beside the auth files.
func (a *app) settingsFiles(files authFiles) []string {
	var paths []string
	for _, file := range files {
		path := credhelper.Beside(file.Path(), a.env.Trust).Path()
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// programFolder is the folder of the link: one in the runner's temporary folder,
// which the logins of a job share, or one beside the auth file.
func (a *app) programFolder(files authFiles) (folder string, shared bool) {
	if temporary := a.env.Getenv("RUNNER_TEMP"); temporary != "" {
		return filepath.Join(temporary, linkFolder), true
	}
	return filepath.Join(filepath.Dir(files[0].Path()), linkFolder), false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
