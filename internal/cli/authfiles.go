// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
)

// authFile is one file that a login belongs in, and the tools that look there.
type authFile struct {
	*authfile.File
	tools []string // empty where that was not asked
}

// authFiles is every file that one login belongs in.
type authFiles []authFile

// authFiles opens the files that the user named, or all in which the tools of
// this environment look. A file that is named in two ways is one.
func (a *app) authFiles(paths []string) (authFiles, error) {
	var files authFiles
	if len(paths) == 0 {
		known, err := a.place().Known()
		for _, file := range known {
			files = append(files, authFile{File: file})
		}
		return files, err
	}
	seen := map[string]bool{}
	for _, path := range paths {
		file, err := authfile.Open(path, a.env.Trust)
		if err != nil {
			return nil, err
		}
		if !seen[file.Path()] {
			seen[file.Path()] = true
			files = append(files, authFile{File: file})
		}
	}
	return files, nil
}

// set writes the logins to every file, and notes in done how to take that back.
func (files authFiles) set(ctx context.Context, entries []authfile.Entry, say host.Host, done *undone) error {
	for _, file := range files {
		change, err := file.Set(ctx, entries...)
		if err != nil {
			return err
		}
		if change.Undo != nil {
			*done = append(*done, change.Undo)
		}
		say.Notice(file.written(change))
		warnOfLostState(say, file.Path(), change)
	}
	return nil
}

// written says in one line where a login went and who looks there.
func (f authFile) written(change authfile.Change) string {
	words := "wrote " + f.Path()
	if change.InPlace {
		words += " in place, since it cannot be replaced there"
	}
	if len(f.tools) > 0 {
		words += ", where " + enumerated(f.tools) + " look"
	}
	return words
}

// enumerated is a list as people read it.
func enumerated(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// warnOfLostState says what cannot be known any more.
func warnOfLostState(say host.Host, path string, change authfile.Change) {
	if change.StateLost {
		say.Warn(host.Message{Text: "the notes beside " + path + " were damaged: what earlier logins replaced there is not known any more"})
	}
}

func (files authFiles) paths() []string {
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path())
	}
	return paths
}
