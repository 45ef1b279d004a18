// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// helperFlags are the flags of a login by credential helper.
type helperFlags struct {
	use bool
	dir string
}

func (h *helperFlags) addTo(flags *pflag.FlagSet) {
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
		return errors.New("--credential-helper cannot be used with --id-token-stdin: the helper needs a new ID token each time")
	}
	if err := flags.Sources.CheckAgain(flags.Source, getenv); err != nil {
		return err
	}
	for i, t := range targets {
		if t.Registry.Namespace != "" || slices.ContainsFunc(targets[:i], func(other request.Target) bool { return other.Registry.Host == t.Registry.Host }) {
			return fmt.Errorf("--credential-helper serves a whole registry: name %s without an organization, and one robot for it", t.Registry.Host)
		}
	}
	return nil
}

// writeHelper makes tools ask the helper: it installs the program, writes the settings
// beside each auth file, and edits the auth files.
func (l *login) writeHelper(ctx context.Context) error {
	settings, err := l.settings(ctx)
	if err != nil {
		return err
	}
	program, err := l.installProgram()
	if err != nil {
		return err
	}
	for _, target := range l.plan.Files {
		if err := l.writeHelperTo(ctx, target, settings, program); err != nil {
			return err
		}
	}
	l.warnOfHelper()
	return nil
}

// writeHelperTo is writeHelper for one auth file.
func (l *login) writeHelperTo(ctx context.Context, t lookup.Target, settings map[string]credhelper.Settings, program *credhelper.Installed) error {
	store := credhelper.Beside(t.File.Path(), l.Env.Trust)
	store.SetMode(t.File.Mode)
	hold := hold(l.Run, quay.LongestLife) // GitHub's own token works for a day at most
	if hold.By == "" {                    // no job's end will log out
		hold.Until = time.Time{}
	}
	var change authfile.Change
	undo, err := store.Set(ctx, settings, program, func() (err error) {
		var entries []authfile.Entry
		var added []string // hosts without such a login of this job before
		for _, host := range slices.Sorted(maps.Keys(settings)) {
			entries = append(entries, authfile.Entry{Key: host, Helper: true, Hold: hold})
			if _, held, err := t.File.Helper(host, hold.By); err != nil || !held {
				added = append(added, host)
			}
		}
		change, err = l.put(ctx, t.File, entries, added)
		return err
	})
	if undo != nil { // it goes before takeBack, which changes the settings too
		l.back = append(l.back, undo)
	}
	if err != nil {
		return err
	}
	l.wrote(t, change, ", and "+credhelper.FileName+" beside it")
	return nil
}

// warnOfHelper says where the helper does not work: if it cannot get new ID tokens; beside
// auth files that only a flag names, because tools do not tell a helper which file they read;
// and with sudo.
func (l *login) warnOfHelper() {
	if token := l.tokens[0]; token.source.Renews == idtoken.Never {
		l.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the ID token from %s cannot be renewed: the helper for %s works until it expires", token.source.Name, token.Registry.Host),
			Steps: []platform.Step{{Text: "On GitLab, it expires with the job's timeout. Elsewhere, name a file that is renewed, with --id-token-file PATH."}},
		})
	}
	place := Place(l.Run)
	place.Getenv = func(name string) string {
		for _, variable := range l.result.Exports {
			if variable.Name == name {
				return variable.Value
			}
		}
		return l.Env.Getenv(name)
	}
	folders := credhelper.Folders(place)
	for _, target := range l.plan.Files {
		if path := target.File.Path(); !slices.Contains(folders, filepath.Dir(path)) {
			l.Platform.Warn(platform.Message{
				Text:  "the credential helper finds its settings beside auth files that variables name, and none names " + path,
				Steps: []platform.Step{{Text: "Set this for the steps that follow:", Values: []platform.Value{{Name: "REGISTRY_AUTH_FILE", Value: path}}}},
			})
		}
	}
	if l.Platform.Can().Sudo {
		l.Platform.Notice("hint: with sudo, the helper and the ID token are missing: run tools without sudo, or log in without --credential-helper")
	}
}

// forgetHelper removes settings and programs that no login needs. Failures are warnings,
// because the login or logout has succeeded; settings of another user are an error.
func forgetHelper(ctx context.Context, run *process.Run, file *authfile.File, hosts ...string) error {
	if len(hosts) == 0 {
		return nil
	}
	needed := func(host string) bool { // also by a later login
		ours, _, err := file.Helper(host, "")
		return ours || err != nil || file.HelperBeside(host)
	}
	programs, err := credhelper.Beside(file.Path(), run.Env.Trust).Remove(ctx, needed, hosts...)
	for _, program := range programs {
		err = errors.Join(err, program.Remove())
	}
	if errors.As(err, new(*ownfile.Error)) {
		return err
	}
	if err != nil {
		warn(run, err)
	}
	return nil
}

// settings are what the login leaves for the helper, by host.
func (l *login) settings(ctx context.Context) (map[string]credhelper.Settings, error) {
	all, flags := map[string]credhelper.Settings{}, l.flags.ExchangeFlags
	ca, err := l.caText(ctx)
	if err != nil {
		return nil, err
	}
	for _, token := range l.tokens {
		s := credhelper.Settings{
			Registry:  token.Registry.String(),
			Robot:     token.Robot.String(),
			Audience:  token.Audience,
			Variable:  flags.TokenEnv,
			CA:        string(ca),
			TLSVerify: flags.TLSVerify,
			Timeout:   flags.Timeout.Round(time.Millisecond).String(),
		}
		switch {
		case flags.TokenFile != "": // tools run in other folders
			s.File, err = filepath.Abs(flags.TokenFile)
		case flags.TokenEnv == "":
			s.Source = token.source.Name
			s.Options, err = flags.Sources.Options(s.Source, l.Env.Getenv)
		}
		if err != nil {
			return nil, err
		}
		all[token.Registry.Host] = s
	}
	return all, nil
}

// FromSettings is the inverse: it rebuilds the flags of the login that left these settings
// for a host.
func FromSettings(host string, s credhelper.Settings) (request.ExchangeFlags, []request.Target, error) {
	limit, err := s.Limit()
	if err != nil {
		return request.ExchangeFlags{}, nil, err
	}
	flags := request.ExchangeFlags{
		IdentityFlags: request.IdentityFlags{
			Audiences:     []string{host + "=" + s.Audience},
			Source:        cmp.Or(s.Source, "auto"), // which a file or a variable precedes
			TokenFile:     s.File,
			TokenEnv:      s.Variable,
			CaCertificate: s.CA,
			Timeout:       limit,
			Sources:       request.SourceFlagsOf(s.Options),
		},
		Robots:    []string{s.Robot},
		TLSVerify: s.TLSVerify,
	}
	targets, err := flags.Targets(s.Registry)
	if err == nil && targets[0].Registry.Host != host { // no tool expects another's token
		err = fmt.Errorf("they are for %s", targets[0].Registry.Host)
	}
	return flags, targets, err
}
