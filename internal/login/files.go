// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// AuthFile is a file that gets the login, and the tools that look there.
type AuthFile struct {
	*authfile.File
	Tools []string // empty if not looked up
}

// AuthFiles are all files that get one login.
type AuthFiles []AuthFile

// openFiles opens the files that the user named, or all that the tools of this
// environment read. It opens no file twice.
func openFiles(run *process.Run, paths []string) (AuthFiles, error) {
	var files AuthFiles
	if len(paths) == 0 {
		known, err := Place(run).Known()
		for _, file := range known {
			files = append(files, AuthFile{File: file})
		}
		return files, err
	}
	seen := map[string]bool{}
	for _, path := range paths {
		file, err := authfile.Open(path, run.Env.Trust)
		if err != nil {
			return nil, err
		}
		if !seen[file.Path()] {
			seen[file.Path()] = true
			files = append(files, AuthFile{File: file})
		}
	}
	return files, nil
}

// set writes the logins to every file, and notes in back how to undo that.
func set(ctx context.Context, run *process.Run, files AuthFiles, entries []authfile.Entry, back *rollback) error {
	var keys []string
	for _, entry := range entries {
		keys = append(keys, entry.Key)
	}
	for _, file := range files {
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
	words := "wrote " + f.Path()
	if change.InPlace {
		words += " in place, since it cannot be replaced there"
	}
	if len(f.Tools) > 0 {
		words += ", where " + Enumerated(f.Tools) + " look"
	}
	return words
}

// Enumerated is a list in a sentence: a, b and c.
func Enumerated(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
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
