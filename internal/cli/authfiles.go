// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
)

// authFiles is every file that one login belongs in.
type authFiles []*authfile.File

// authFiles opens the files that the user named, or all in which the tools of
// this environment look. A file that is named in two ways is one.
func (a *app) authFiles(paths []string) (authFiles, error) {
	if len(paths) == 0 {
		return a.place().Known()
	}
	var files authFiles
	seen := map[string]bool{}
	for _, path := range paths {
		file, err := authfile.Open(path)
		if err != nil {
			return nil, err
		}
		if !seen[file.Path()] {
			seen[file.Path()] = true
			files = append(files, file)
		}
	}
	return files, nil
}

// undoPatience is how long taking back half a login may take.
const undoPatience = 5 * time.Second

// set writes the logins to every file, or to none of them.
func (files authFiles) set(ctx context.Context, entries []authfile.Entry, say host.Host) error {
	var keys []string
	for _, entry := range entries {
		keys = append(keys, entry.Key)
	}
	for i, file := range files {
		change, err := file.Set(ctx, entries...)
		if err != nil {
			return errors.Join(err, files[:i].undo(ctx, keys))
		}
		say.Notice(written(file.Path(), change))
		warnOfLostState(say, file.Path(), change)
	}
	return nil
}

// undo takes back what was written. The context of the login may be what ended.
func (files authFiles) undo(ctx context.Context, keys []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoPatience)
	defer cancel()
	var errs []error
	for _, file := range files {
		_, _, err := file.Restore(ctx, keys...)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// written says where a login went.
func written(path string, change authfile.Change) string {
	if change.InPlace {
		return "wrote " + path + " in place, since it cannot be replaced there"
	}
	return "wrote " + path
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
