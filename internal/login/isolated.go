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
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// surround adds to copied logins the settings of our helper, and to an isolated login what
// else tools find in docker's folder.
func (l *login) surround(ctx context.Context) error {
	for _, target := range l.plan.Files {
		settings := map[string]credhelper.Settings{}
		for _, host := range target.OwnHelpers {
			if found, err := credhelper.Find(Place(l.Run), host); err == nil {
				settings[host] = found
			}
		}
		if len(settings) == 0 {
			continue
		}
		store := credhelper.Beside(target.File.Path(), l.Env.Trust)
		if _, err := store.Set(ctx, settings, nil, func() error { return nil }); err != nil {
			return err
		}
	}
	if l.plan.Folder == nil {
		return nil
	}
	if err := l.plan.Folder.Link(); err != nil {
		l.Platform.Warn(platform.Message{Text: "docker's settings are copied, but not its contexts and plugins: " + err.Error()})
	}
	return nil
}

// leave ends the folder of an isolated login. If a variable names it, its files stay, and
// a shell gets the lines that set the variables back.
func leave(run *process.Run, folder *authfile.Folder) {
	if folder == nil {
		return
	}
	others := func(path string) {
		run.Platform.Warn(platform.Message{Text: "other tools logged in after quay-keyless: only " + path + " has these logins"})
	}
	for _, name := range []string{"config.json", "auth.json"} {
		file, err := authfile.Open(filepath.Join(folder.Path, name), run.Env.Trust)
		if err == nil && file.Isolated() != nil {
			return // its logout follows
		}
		if err == nil && file.HasLogins() {
			others(file.Path())
		}
	}
	if scopes := filepath.Join(folder.Path, "buildx", "config"); folder.Links["buildx"] == "" { // of docker/login-action
		if _, err := os.Stat(scopes); err == nil {
			others(scopes)
		}
	}
	named := slices.ContainsFunc(Place(run).Named(), func(file *authfile.File) bool { return filepath.Dir(file.Path()) == folder.Path })
	if !named {
		_ = os.Remove(filepath.Join(folder.Path, credhelper.FileName))
		folder.Remove()
	} else if lines := unset(run, folder); lines != "" && !run.Platform.Can().HandOn {
		_, _ = fmt.Fprint(run.Env.Stdout, lines)
		run.Platform.Notice(`hint: standard output has lines for the shell: eval "$(quay-keyless logout)"`)
	}
}

// unset are the lines that set the variables back in a shell.
func unset(run *process.Run, folder *authfile.Folder) string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(folder.Before)) {
		switch was := folder.Before[name]; {
		case was == nil:
			fmt.Fprintf(&lines, "unset %s\n", name)
		case *was != "":
			fmt.Fprintf(&lines, "export %s=%s\n", name, platform.Quote(*was))
		case run.Env.Getenv(platform.Saved(name)) != "":
			fmt.Fprintf(&lines, "export %s=\"$%s\"\nunset %[2]s\n", name, platform.Saved(name))
		}
	}
	return lines.String()
}
