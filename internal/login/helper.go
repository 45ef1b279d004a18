// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// helperFlags are the flags of a login by credential helper.
type helperFlags struct {
	use bool
	dir string
}

// AddTo declares the flags.
func (h *helperFlags) AddTo(flags *pflag.FlagSet) {
	flags.BoolVar(&h.use, "credential-helper", false, "let tools request a fresh robot token each time")
	flags.StringVar(&h.dir, "helper-dir", "", "copy "+credhelper.Program+" into the folder `DIR`")
}

// check finds what a helper cannot do.
func (h *helperFlags) check(flags *request.ExchangeFlags, targets []request.Target, getenv func(string) string) error {
	if !h.use {
		if h.dir != "" {
			return errors.New("--helper-dir is for --credential-helper")
		}
		return nil
	}
	if flags.TokenStdin {
		return errors.New("--credential-helper needs an ID token that can be had again, not --id-token-stdin")
	}
	if err := flags.Sources.CheckAgain(flags.Source, getenv); err != nil {
		return err
	}
	for i, t := range targets {
		if t.Registry.Namespace != "" {
			return fmt.Errorf("a credential helper is for a whole registry: name %s without an organization, and one robot", t.Registry.Host)
		}
		if slices.ContainsFunc(targets[:i], func(other request.Target) bool { return other.Registry.Host == t.Registry.Host }) {
			return fmt.Errorf("a credential helper gives one login for %s", t.Registry.Host)
		}
	}
	return nil
}

// sourceOf is where the helper will find an ID token: the name of a source, a file, or a
// variable.
type sourceOf struct{ name, file, variable string }

// describe says it in the terms of the settings. A file's path becomes absolute, because
// tools run in other folders.
func describe(flags request.ExchangeFlags, source idtoken.Source) (sourceOf, error) {
	switch {
	case flags.TokenFile != "":
		path, err := filepath.Abs(flags.TokenFile)
		return sourceOf{file: path}, err
	case flags.TokenEnv != "":
		return sourceOf{variable: flags.TokenEnv}, nil
	}
	return sourceOf{name: source.Name}, nil
}

// setHelper makes tools ask the helper: it installs the program, writes the settings
// beside each auth file, and edits the auth files. It notes in back how to undo each
// step. exports are the variables that the next steps will have. It returns the folder
// to add to PATH, "" if tools find the program already.
func setHelper(ctx context.Context, run *process.Run, files AuthFiles, flags Flags, logins []RobotToken, exports []platform.Variable, back *rollback) (path string, err error) {
	settings, err := allSettings(ctx, run, flags.ExchangeFlags, logins)
	if err != nil {
		return "", err
	}
	program, path, err := reachable(run, files, flags.Helper)
	if err != nil {
		return "", err
	}
	if program != nil && program.Fresh {
		*back = append(*back, func(context.Context) error { return program.Remove() })
	}
	for _, file := range files {
		if err := setHelperIn(ctx, run, file, settings, program, back); err != nil {
			return "", err
		}
	}
	warnOfHelper(run, logins[0])
	warnOfSettings(run, files, exports)
	adviseHelper(run)
	return path, nil
}

// setHelperIn is setHelper for one auth file.
func setHelperIn(ctx context.Context, run *process.Run, file AuthFile, settings map[string]credhelper.Settings, program *credhelper.Installed, back *rollback) error {
	store := credhelper.Beside(file.Path(), run.Env.Trust)
	store.SetMode(file.Mode())
	var change authfile.Change
	var added []string // hosts without such a login of this job before
	undo, err := store.Set(ctx, settings, program, func() (err error) {
		hold := helperHold(run)
		added = slices.DeleteFunc(sortedKeys(settings), func(host string) bool { return file.HelperHeld(hold.By, host) })
		change, err = file.SetHelper(ctx, hold, sortedKeys(settings)...)
		return err
	})
	if len(added) > 0 && (err == nil || change.Writes > 0) { // a wait after the write may have failed
		*back = append(*back, takeBack(run, file, added))
	}
	if undo != nil { // it goes before takeBack, which changes the settings too
		*back = append(*back, undo)
	}
	if err != nil {
		return err
	}
	run.Platform.Notice(file.written(change) + ", and " + filepath.Base(store.Path()) + " beside it")
	warnOfChange(run.Platform, file.Path(), change)
	return nil
}

// longestJob limits the hold of a login by helper, which does not expire: GitHub's own
// token works for a day at most.
const longestJob = 24 * time.Hour

// helperHold is [hold] for a login by helper. If no job's end will log out, it lasts
// until someone does.
func helperHold(run *process.Run) authfile.Hold {
	hold := hold(run, longestJob)
	if hold.By == "" {
		hold.Until = time.Time{}
	}
	return hold
}

// allSettings are those of each login, by host.
func allSettings(ctx context.Context, run *process.Run, flags request.ExchangeFlags, logins []RobotToken) (map[string]credhelper.Settings, error) {
	all := map[string]credhelper.Settings{}
	for _, login := range logins {
		from, err := describe(flags, login.source)
		if err != nil {
			return nil, err
		}
		settings, err := ToSettings(flags, login.Target, from, run.Env.Reader(ctx))
		if err != nil {
			return nil, &request.UsageError{Err: err}
		}
		if settings.Options, err = flags.Sources.Options(from.name, run.Env.Getenv); err != nil {
			return nil, err
		}
		all[login.Registry.Host] = settings
	}
	return all, nil
}

// warnOfHelper warns if the helper cannot get new ID tokens.
func warnOfHelper(run *process.Run, login RobotToken) {
	if login.source.Renews == idtoken.Never {
		run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the ID token from %s cannot be renewed: the helper for %s works until it expires", login.source.Name, login.Registry.Host),
			Hints: []string{"on GitLab that is the job's timeout; elsewhere name a file that is written anew: --id-token-file PATH"},
		})
	}
}

// warnOfSettings warns of auth files that only a flag names, because tools do not tell a
// helper which file they read.
func warnOfSettings(run *process.Run, files AuthFiles, exports []platform.Variable) {
	place := Place(run)
	place.Getenv = func(name string) string {
		for _, variable := range exports {
			if variable.Name == name {
				return variable.Value
			}
		}
		return run.Env.Getenv(name)
	}
	folders := credhelper.Folders(place)
	for _, file := range files {
		if !slices.Contains(folders, filepath.Dir(file.Path())) {
			run.Platform.Warn(platform.Message{
				Text:  "the helper finds its settings beside auth files that the environment names, and " + file.Path() + " is none",
				Hints: []string{"for the steps that follow: REGISTRY_AUTH_FILE=" + platform.Shell(file.Path())},
			})
		}
	}
}

// adviseHelper says where the helper does not work.
func adviseHelper(run *process.Run) {
	if run.Platform.Can().Sudo {
		run.Platform.Notice("hint: sudo finds no helper and hands on no ID token: run tools without sudo, or log in without --credential-helper")
	}
}

// checkHelper finds what would make a login by helper fail, before the login contacts
// anything.
func checkHelper(run *process.Run, files AuthFiles, helper helperFlags) error {
	if !helper.use {
		return nil
	}
	known, err := Programs(run, files)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := file.CheckHelper(); err != nil {
			return err
		}
	}
	return checkProgram(run, files, helper, known)
}
