// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// surround adds to an isolated login what else tools find in docker's folder, and the
// settings of our helper for copied logins.
func surround(ctx context.Context, run *process.Run, plan lookup.Plan) error {
	for _, target := range plan.Files {
		settings := map[string]credhelper.Settings{}
		for _, host := range target.OwnHelpers {
			if found, err := credhelper.Find(Place(run), host); err == nil {
				settings[host] = found
			}
		}
		if len(settings) == 0 {
			continue
		}
		store := credhelper.Beside(target.File.Path(), run.Env.Trust)
		if _, err := store.Set(ctx, settings, nil, func() error { return nil }); err != nil {
			return err
		}
	}
	if plan.Folder == nil {
		return nil
	}
	if err := plan.Folder.Link(); err != nil {
		run.Platform.Warn(platform.Message{Text: "docker's settings are copied, but not its contexts and plugins: " + err.Error()})
	}
	return nil
}

// leave ends the folder of an isolated login. If a variable names it, its files stay, and
// a shell gets the lines that set the variables back.
func leave(run *process.Run, folder *authfile.Folder) {
	if folder == nil {
		return
	}
	for _, name := range []string{"config.json", "auth.json"} {
		file, err := authfile.Open(filepath.Join(folder.Path, name), run.Env.Trust)
		if err == nil && file.Isolated() != nil {
			return // its logout follows
		}
		if err == nil && file.HasLogins() {
			run.Platform.Warn(platform.Message{Text: "other tools logged in after quay-keyless: only " + file.Path() + " has these logins"})
		}
	}
	if scopes := filepath.Join(folder.Path, "buildx", "config"); folder.Links["buildx"] == "" { // of docker/login-action
		if _, err := os.Stat(scopes); err == nil {
			run.Platform.Warn(platform.Message{Text: "other tools logged in after quay-keyless: only " + scopes + " has these logins"})
		}
	}
	named := slices.ContainsFunc(variablePaths(run), func(path string) bool {
		file, err := authfile.Open(path, run.Env.Trust)
		return path != "" && err == nil && filepath.Dir(file.Path()) == folder.Path
	})
	if !named {
		_ = os.Remove(filepath.Join(folder.Path, credhelper.FileName))
		folder.Remove()
		return
	}
	if run.Platform.Can().HandOn {
		return
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(folder.Before)) {
		if was := folder.Before[name]; was != nil && *was == "" {
			if saved := platform.Saved(name); run.Env.Getenv(saved) != "" {
				fmt.Fprintf(&lines, "export %s=\"$%s\"\nunset %[2]s\n", name, saved)
			}
		} else if was != nil {
			fmt.Fprintf(&lines, "export %s=%s\n", name, platform.Quote(*was))
		} else {
			fmt.Fprintf(&lines, "unset %s\n", name)
		}
	}
	if lines.Len() == 0 {
		return
	}
	_, _ = fmt.Fprint(run.Env.Stdout, lines.String())
	run.Platform.Notice(`hint: the lines on standard output are for the shell: eval "$(quay-keyless logout)"`)
}
