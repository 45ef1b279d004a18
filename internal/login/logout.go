// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// logoutPatience is how long a logout waits for the auth file's lock. Others hold it for
// milliseconds.
const logoutPatience = 30 * time.Second

// Logout restores the keys of these registries, or all that the record knows, in the auth
// files at paths, or in all that the tools of this environment read.
func Logout(ctx context.Context, run *process.Run, paths, registries []string) error {
	var keys []string
	for _, registry := range registries {
		parsed, err := quay.ParseRegistry(registry)
		if err != nil {
			return &request.UsageError{Err: err}
		}
		keys = append(keys, parsed.Key())
	}
	files, err := openFiles(run, paths)
	if err != nil {
		return err
	}
	ctx, stop := run.Env.Interruptible(ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, logoutPatience, fmt.Errorf("waited %s for another login to end", logoutPatience))
	defer cancel()
	said := false
	var errs []error
	var looked []string
	for _, file := range files {
		looked = append(looked, file.Path())
		outcomes, err := logoutOf(ctx, run, file, keys)
		errs = append(errs, err)
		for _, outcome := range outcomes {
			if outcome.Result != authfile.Nothing {
				run.Platform.Notice(sentence(outcome, file.Path()))
				said = true
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if !said {
		run.Platform.Notice("nothing to log out of: quay-keyless has no login in " + strings.Join(looked, ", "))
	}
	return nil
}

// openFiles opens each file once. Those that variables name stay after a logout: podman
// stops if one is missing.
func openFiles(run *process.Run, paths []string) (files []*authfile.File, err error) {
	place := Place(run)
	for _, path := range paths {
		if _, err := authfile.Open(path, run.Env.Trust); err != nil {
			return nil, err
		}
	}
	files = place.Open(paths...)
	if len(paths) == 0 {
		files, err = place.Written()
	}
	for _, named := range place.Named() {
		for _, file := range files {
			if file.Path() == named.Path() {
				file.Keep = true
			}
		}
	}
	return files, err
}

// logoutOf logs out of one auth file: the job that QUAY_HOLDER names, or all of our
// logins.
func logoutOf(ctx context.Context, run *process.Run, file *authfile.File, keys []string) ([]authfile.Outcome, error) {
	if holder := run.Env.Getenv("QUAY_HOLDER"); holder != "" {
		return logoutAs(ctx, run, holder, file, keys)
	}
	outcomes, change, err := file.Restore(ctx, keys...)
	return outcomes, loggedOut(ctx, run, file, keys, outcomes, change, err)
}

// logoutAs ends one job's login in an auth file.
func logoutAs(ctx context.Context, run *process.Run, holder string, file *authfile.File, keys []string) ([]authfile.Outcome, error) {
	outcomes, change, err := file.Release(ctx, holder, run.Env.Clock.Now(), keys...)
	return outcomes, loggedOut(ctx, run, file, keys, outcomes, change, err)
}

// loggedOut removes what belongs to the logins after the auth file was restored, even
// after a signal. After an error the logins may still need it.
func loggedOut(ctx context.Context, run *process.Run, file *authfile.File, keys []string, outcomes []authfile.Outcome, change authfile.Change, err error) error {
	defer warnOfChange(run.Platform, file.Path(), change)
	if err != nil {
		return err
	}
	ctx, cancel := toTheEnd(ctx)
	defer cancel()
	defer leave(run, change.Folder)
	var hosts []string // whose settings no helper needs
	for _, outcome := range outcomes {
		if outcome.Result != authfile.Unknown && outcome.Result != authfile.Held {
			hosts = append(hosts, outcome.Key)
		}
	}
	err = removeCA(ctx, run, file, keys)
	return errors.Join(err, forgetHelper(ctx, run, file, hosts...))
}

// sentences say what happened to a key in a file.
var sentences = map[authfile.Result]string{
	authfile.Restored: "logged out of %s: restored the login that was in %s before",
	authfile.Removed:  "logged out of %s: removed from %s",
	authfile.NotOurs:  "left %s in %s: another login has replaced it",
	authfile.Held:     "left %s in %s for another job that is logged in there",
	authfile.Gone:     "logged out of %s already: it is no longer in %s",
	authfile.Unknown:  "left %s in %s: no record says that quay-keyless wrote it",
}

func sentence(outcome authfile.Outcome, path string) string {
	return fmt.Sprintf(sentences[outcome.Result], outcome.Key, path)
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
