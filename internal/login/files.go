// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"path/filepath"
	"slices"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// AuthFile is a file that gets the login, and the tools that look there.
type AuthFile struct {
	*authfile.File
	Tools []string // that find the login there; empty if not looked up
	names []string // see [lookup.Target]
}

// AuthFiles are all files that get one login.
type AuthFiles []AuthFile

// openFiles opens the files that the user named, or all that the tools of this
// environment read. It opens no file twice.
func openFiles(run *process.Run, paths []string) (AuthFiles, error) {
	var opened []*authfile.File
	var err error
	if len(paths) == 0 {
		opened, err = Place(run).Known()
	}
	for _, path := range paths {
		file, fault := authfile.Open(path, run.Env.Trust)
		if fault != nil {
			return nil, fault
		}
		opened = append(opened, file)
	}
	var files AuthFiles
	for _, file := range opened {
		if !slices.Contains(files.paths(), file.Path()) {
			files = append(files, AuthFile{File: file})
		}
		for _, path := range variablePaths(run) {
			if named, err := authfile.Open(path, run.Env.Trust); err == nil && named.Path() == file.Path() {
				file.Keep()
			}
		}
	}
	return files, err
}

// variablePaths are the auth files that variables name. podman stops if one is missing.
func variablePaths(run *process.Run) []string {
	paths := []string{run.Env.Getenv("REGISTRY_AUTH_FILE")}
	if folder := run.Env.Getenv("DOCKER_CONFIG"); folder != "" {
		paths = append(paths, filepath.Join(folder, "config.json"))
	}
	return paths
}

// set writes the logins to every file, and notes in back how to undo that.
func set(ctx context.Context, run *process.Run, files AuthFiles, logins []RobotToken, back *rollback) error {
	for _, file := range files {
		entries := file.entries(run, logins)
		var keys []string
		for _, entry := range entries {
			keys = append(keys, entry.Key)
		}
		change, err := file.Set(ctx, entries...)
		if err == nil || change.Writes > 0 { // a wait after the write may have failed
			*back = append(*back, takeBack(run, file, keys))
		}
		if err != nil {
			return err
		}
		run.Platform.Notice(file.written(change))
		warnOfChange(run.Platform, file.Path(), change)
	}
	return nil
}

// written says where a login went and which tools look there.
func (f AuthFile) written(change authfile.Change) string {
	words := "wrote " + f.Where()
	if change.InPlace {
		words += " (in place, because it cannot be replaced there)"
	}
	return words
}

// Where is the path, and which tools look there.
func (f AuthFile) Where() string {
	switch len(f.Tools) {
	case 0:
		return f.Path()
	case 1:
		return f.Path() + ", where " + f.Tools[0] + " looks"
	}
	return f.Path() + ", where " + platform.Enumerated(f.Tools) + " look"
}

// warnOfChange says what the user should know about a change to an auth file.
func warnOfChange(say platform.Platform, path string, change authfile.Change) {
	if change.RecordLost {
		say.Warn(platform.Message{Text: "the record beside " + path + " was damaged: what earlier logins replaced there is not known any more"})
	}
	if change.Exposed {
		say.Warn(platform.Message{Text: "every user on this machine can read " + path, Hints: []string{"if no other user needs it: chmod 600 " + platform.Shell(path)}})
	}
	if change.NoLocks {
		say.Warn(platform.Message{Text: "the file system of " + path + " has no locks: jobs that log in there at the same time can lose their logins"})
	}
	if change.BroughtBack {
		say.Notice("another tool wrote the login back to " + path + ": removed it again")
	}
}

func (files AuthFiles) paths() []string {
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path())
	}
	return paths
}
