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

// reachable puts the program where tools find it as a helper: into the folder
// that the user named as a copy, or into one of its own as a link, unless PATH
// leads to it already. It gives what was put there, nil for nothing, and the
// folder that belongs on PATH, "" for none.
func (a *app) reachable(files authFiles, helper helperFlags) (program *credhelper.Installed, path string, err error) {
	if a.env.Executable == nil {
		return nil, "", errNoExecutable
	}
	executable, err := a.env.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errNoExecutable, err)
	}
	switch {
	case helper.dir != "":
		program, path, err = a.copied(executable, files, helper.dir)
	case credhelper.OnPath(a.env.Getenv("PATH"), executable):
		return a.before(files), "", nil
	default:
		program, err = credhelper.Link(executable, a.programFolder(files))
		if err == nil {
			path = program.Folder()
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("putting %s within the tools' reach: %w", credhelper.Program, err)
	}
	return program, path, nil
}

// copied is reachable by a copy.
func (a *app) copied(executable string, files authFiles, folder string) (*credhelper.Installed, string, error) {
	program, err := credhelper.Copy(executable, folder, a.before(files))
	if err != nil {
		return nil, "", err
	}
	folder, err = filepath.Abs(folder)
	if err != nil || slices.Contains(filepath.SplitList(a.env.Getenv("PATH")), folder) {
		folder = ""
	}
	return program, folder, err
}

// before is what an earlier login put somewhere.
func (a *app) before(files authFiles) *credhelper.Installed {
	for _, file := range files {
		if store, err := credhelper.Beside(file.Path()); err == nil {
			if program := store.Program(a.env.ReadFile); program != nil {
				return program
			}
		}
	}
	return nil
}

// programFolder is the folder of the link: the runner's temporary one, which goes
// with the job, or one beside the auth file.
func (a *app) programFolder(files authFiles) string {
	if folder := a.env.Getenv("RUNNER_TEMP"); folder != "" {
		return filepath.Join(folder, "quay-keyless-bin")
	}
	return filepath.Join(filepath.Dir(files[0].Path()), "quay-keyless-bin")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
