// SPDX-License-Identifier: Apache-2.0

package cli

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
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
)

// helperFlags are those of a login by credential helper.
type helperFlags struct {
	use bool
	dir string
}

// addTo declares the flags.
func (h *helperFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&h.use, "credential-helper", false, "write no robot token: let tools ask quay-keyless for a fresh one each time")
	flags.StringVar(&h.dir, "helper-dir", "", "copy the program as "+credhelper.Program+" into the folder `DIR`, for images without it")
}

// check finds what a helper cannot do, before anything is asked.
func (h *helperFlags) check(flags *mintFlags, targets []target, getenv func(string) string) error {
	if !h.use {
		if h.dir != "" {
			return errors.New("--helper-dir is for --credential-helper")
		}
		return nil
	}
	if flags.tokenStdin {
		return errors.New("--credential-helper needs an ID token that can be had again, not --id-token-stdin")
	}
	if err := flags.sources.checkAgain(flags.source, getenv); err != nil {
		return err
	}
	for i, t := range targets {
		if t.registry.Namespace != "" {
			return fmt.Errorf("a credential helper is for a whole registry: name %s without an organization, and one robot", t.registry.Host)
		}
		if slices.ContainsFunc(targets[:i], func(other target) bool { return other.registry.Host == t.registry.Host }) {
			return fmt.Errorf("a credential helper gives one login for %s", t.registry.Host)
		}
	}
	return nil
}

// sourceOf is where the helper will find an ID token: the name of an ambient
// source, a file, or a variable.
type sourceOf struct{ name, file, variable string }

// describe says it in the terms of the settings. A file's path becomes absolute,
// since tools run in other folders.
func describe(source idtoken.Source) (sourceOf, error) {
	switch known := source.(type) {
	case idtoken.File:
		path, err := filepath.Abs(known.Path)
		return sourceOf{file: path}, err
	case idtoken.Variable:
		return sourceOf{variable: known.Variable}, nil
	}
	return sourceOf{name: source.Name()}, nil
}

// setHelper makes the tools ask the helper for the logins' registries: the program
// within their reach, the settings beside each auth file, and the auth files
// themselves, noting in done how to take each step back. Exports are the variables
// that the steps which follow will have. It gives the folder that belongs on PATH,
// "" where the program is there already.
func (a *app) setHelper(ctx context.Context, files authFiles, flags loginFlags, logins []minted, exports []host.Variable, done *undone) (path string, err error) {
	settings, err := a.allSettings(ctx, flags.mintFlags, logins)
	if err != nil {
		return "", err
	}
	program, path, err := a.reachable(files, flags.helper)
	if err != nil {
		return "", err
	}
	if program != nil && program.Fresh {
		*done = append(*done, func(context.Context) error { return program.Remove() })
	}
	for _, file := range files {
		if err := a.setHelperIn(ctx, file, settings, program, done); err != nil {
			return "", err
		}
	}
	a.warnOfHelper(logins[0])
	a.warnOfSettings(files, exports)
	a.adviseHelper()
	return path, nil
}

// setHelperIn is setHelper for one auth file.
func (a *app) setHelperIn(ctx context.Context, file authFile, settings map[string]credhelper.Settings, program *credhelper.Installed, done *undone) error {
	store := credhelper.Beside(file.Path(), a.env.Trust)
	store.SetMode(file.Mode())
	var change authfile.Change
	undo, err := store.Set(ctx, settings, program, func() (err error) {
		change, err = file.SetHelper(ctx, a.helperHold(), sortedKeys(settings)...)
		return err
	})
	if undo != nil {
		*done = append(*done, undo)
	}
	if err == nil || change.Writes > 0 { // a wait after the write may have failed
		*done = append(*done, a.takeBack(file, sortedKeys(settings)))
	}
	if err != nil {
		return err
	}
	a.host.Notice(file.written(change) + ", and " + filepath.Base(store.Path()) + " beside it")
	warnOfChange(a.host, file.Path(), change)
	return nil
}

// longestJob is how long a job holds a login by helper, which has no end of its own: as
// long as GitHub's own token works in a job at the most.
const longestJob = 24 * time.Hour

// helperHold is [app.hold] of a login by helper. One that no job's end will name is
// there until a logout takes it away.
func (a *app) helperHold() authfile.Hold {
	hold := a.hold(longestJob)
	if hold.By == "" {
		hold.Until = time.Time{}
	}
	return hold
}

// allSettings are those of each login, by its host.
func (a *app) allSettings(ctx context.Context, flags mintFlags, logins []minted) (map[string]credhelper.Settings, error) {
	all := map[string]credhelper.Settings{}
	for _, login := range logins {
		from, err := describe(login.source)
		if err != nil {
			return nil, err
		}
		settings, err := helperSettings(flags, login.target, from, a.env.reader(ctx))
		if err != nil {
			return nil, &usageError{err: err}
		}
		if settings.Options, err = flags.sources.options(from.name, a.env.Getenv); err != nil {
			return nil, err
		}
		all[login.registry.Host] = settings
	}
	return all, nil
}

// warnOfHelper says where the helper will not be able to renew.
func (a *app) warnOfHelper(login minted) {
	if _, renews := login.source.(idtoken.Renewable); !renews {
		a.host.Warn(host.Message{
			Text:  fmt.Sprintf("the ID token from %s cannot be renewed: the helper for %s works until it expires", login.source.Name(), login.registry.Host),
			Hints: []string{"on GitLab that is the job's timeout; elsewhere name a file that is written anew: --id-token-file PATH"},
		})
	}
}

// warnOfSettings tells of auth files that only their own flag leads to: tools do
// not hand it on to a helper.
func (a *app) warnOfSettings(files authFiles, exports []host.Variable) {
	folders := credhelper.Folders(func(name string) string {
		for _, variable := range exports {
			if variable.Name == name {
				return variable.Value
			}
		}
		return a.env.Getenv(name)
	}, a.env.UID)
	for _, file := range files {
		if !slices.Contains(folders, filepath.Dir(file.Path())) {
			a.host.Warn(host.Message{
				Text:  "the helper finds its settings beside auth files that the environment names, and " + file.Path() + " is none",
				Hints: []string{"for the steps that follow: REGISTRY_AUTH_FILE=" + shell(file.Path())},
			})
		}
	}
}

// adviseHelper says what the helper does not do by itself.
func (a *app) adviseHelper() {
	name := a.host.Name()
	if name == "github" || name == "terminal" {
		a.host.Notice("hint: sudo finds no helper and hands on no ID token: run tools without sudo, or log in without --credential-helper")
	}
}

// checkHelper finds what would make a login by helper fail, before anything is
// asked.
func (a *app) checkHelper(files authFiles, helper helperFlags) error {
	if !helper.use {
		return nil
	}
	known, err := a.programs(files)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := file.CheckHelper(); err != nil {
			return err
		}
	}
	return a.checkProgram(files, helper, known)
}
