// SPDX-License-Identifier: Apache-2.0

package login

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/process"
)

// errNoExecutable is the error of a system that does not say what runs.
var errNoExecutable = errors.New("where this program is cannot be found out, so tools cannot find it")

// linkFolder begins the name of the folder that holds only the link to the program.
const linkFolder = "quay-keyless-bin"

// reachable installs the program where tools find it as a helper: as a copy in the
// folder that the user named, or as a link in our own folder, unless PATH leads to it
// already. It returns what this login installed (nil: nothing) and the folder to add to
// PATH ("": none).
//
// All logins of a job share the folder in RUNNER_TEMP, so only the runner empties it.
func reachable(run *process.Run, files AuthFiles, helper helperFlags) (program *credhelper.Installed, path string, err error) {
	executable, err := executable(run)
	if err != nil {
		return nil, "", err
	}
	if helper.dir != "" {
		program, path, err = copied(run, executable, files, helper.dir)
		return program, path, inFolder(helper.dir, err)
	}
	folder, shared := programFolder(run, files)
	if found(run, executable, folder) {
		return nil, "", nil
	}
	program, err = credhelper.Link(executable, folder, run.Env.Trust)
	switch {
	case err != nil:
		return nil, "", inFolder(folder, err)
	case shared:
		return nil, folder, nil
	}
	program.Holders = settingsFiles(run, files)
	return program, folder, nil
}

// checkProgram finds what would make reachable fail.
func checkProgram(run *process.Run, files AuthFiles, helper helperFlags, known []credhelper.Installed) error {
	executable, err := executable(run)
	if err != nil {
		return err
	}
	if helper.dir != "" {
		return inFolder(helper.dir, credhelper.CheckCopy(executable, helper.dir, known...))
	}
	folder, _ := programFolder(run, files)
	if found(run, executable, folder) {
		return nil
	}
	return inFolder(folder, credhelper.CheckLink(executable, folder, run.Env.Trust))
}

// inFolder adds the folder to an error.
func inFolder(folder string, err error) error {
	if err == nil {
		return nil
	}
	return &PlaceError{folder, err}
}

// executable is the running program.
func executable(run *process.Run) (string, error) {
	if run.Env.Executable == nil {
		return "", errNoExecutable
	}
	executable, err := run.Env.Executable()
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNoExecutable, err)
	}
	return executable, nil
}

// found reports whether tools find the program without us, and will as long as this
// login lasts. Another login's link does not last.
func found(run *process.Run, executable, folder string) bool {
	var lasting []string
	for _, on := range filepath.SplitList(run.Env.Getenv("PATH")) {
		if !strings.HasPrefix(filepath.Base(on), linkFolder) || filepath.Clean(on) == folder {
			lasting = append(lasting, on)
		}
	}
	return credhelper.OnPath(lasting, executable)
}

// copied is reachable for --helper-dir.
func copied(run *process.Run, executable string, files AuthFiles, folder string) (*credhelper.Installed, string, error) {
	known, err := Programs(run, files)
	if err != nil {
		return nil, "", err
	}
	program, err := credhelper.Copy(executable, folder, known...)
	if err != nil {
		return nil, "", err
	}
	if program != nil {
		program.Holders = settingsFiles(run, files)
	}
	folder, err = filepath.Abs(folder)
	if err != nil || slices.Contains(filepath.SplitList(run.Env.Getenv("PATH")), folder) {
		folder = ""
	}
	return program, folder, err
}

// Programs are what earlier logins into these files installed. The error is that of
// settings that cannot be read.
func Programs(run *process.Run, files AuthFiles) ([]credhelper.Installed, error) {
	var all []credhelper.Installed
	for _, file := range files {
		programs, err := credhelper.Beside(file.Path(), run.Env.Trust).Programs()
		if err != nil {
			return nil, err
		}
		all = append(all, programs...)
	}
	return all, nil
}

// settingsFiles are the helper's settings beside the auth files.
func settingsFiles(run *process.Run, files AuthFiles) []string {
	var paths []string
	for _, file := range files {
		path := credhelper.Beside(file.Path(), run.Env.Trust).Path()
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// programFolder is the link's folder: in the runner's temporary folder, shared by the
// logins of a job, or beside the auth file. If another user could replace that folder, it
// is in the system's temporary folder instead, for this auth file.
func programFolder(run *process.Run, files AuthFiles) (folder string, shared bool) {
	beside := filepath.Dir(files[0].Path())
	folder = filepath.Join(beside, linkFolder)
	if temporary := run.Env.Getenv("RUNNER_TEMP"); temporary != "" {
		folder, shared = filepath.Join(temporary, linkFolder), true
	}
	var refused *ownfile.Error
	if !errors.As(run.Env.Trust.Fixed(folder), &refused) {
		return folder, shared
	}
	sum := sha256.Sum256(fmt.Append(nil, run.Env.UID, beside))
	return filepath.Join(temporary(run, "TMPDIR", "TEMP"), linkFolder+"-"+hex.EncodeToString(sum[:8])), false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
