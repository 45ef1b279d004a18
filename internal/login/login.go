// SPDX-License-Identifier: Apache-2.0

// Package login turns a registry and an ID token into robot tokens, writes them to where
// tools look, and undoes that. Start with [Login].
package login

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"quay-keyless/internal/certsd"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// Flags are the flags of login.
type Flags struct {
	request.ExchangeFlags
	PlaceFlags
	Helper                 helperFlags
	exportToken, installCA bool
}

// AddTo declares the flags.
func (f *Flags) AddTo(flags *pflag.FlagSet) {
	f.ExchangeFlags.AddTo(flags)
	f.PlaceFlags.AddTo(flags)
	f.Helper.addTo(flags)
	flags.BoolVar(&f.installCA, "install-ca", false, "install the CA for podman, buildah and skopeo")
	flags.BoolVar(&f.exportToken, "export-token", false, "also set the robot token as the step's output (GitHub)")
}

// login is one login on its way through [Login].
type login struct {
	*process.Run
	flags   Flags
	targets []request.Target
	plan    lookup.Plan   // the files to write
	certs   certsd.Places // for --install-ca
	ca      []byte
	tokens  []RobotToken
	result  platform.Result // what the platform hands on
	back    rollback
}

// Login is the flow. It writes nothing until it has all robot tokens, and undoes everything
// if a later step fails.
func Login(ctx context.Context, run *process.Run, flags Flags, registry string) error {
	targets, err := flags.targets(registry, run.Env.Getenv)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	l := &login{Run: run, flags: flags, targets: targets}
	for _, step := range []func(context.Context) error{
		l.ready,
		l.findFiles,
		l.checkCA,
		l.exchange,
		l.remember,
		l.writeFiles,
		l.surround,
		l.addCA,
		l.publish,
	} {
		if err := step(ctx); err != nil {
			l.back.run(ctx, run.Platform)
			return err
		}
	}
	l.advise()
	return nil
}

// targets reads the targets, and finds flags that exclude each other.
func (f *Flags) targets(registry string, getenv func(string) string) ([]request.Target, error) {
	targets, err := f.Targets(registry)
	if err == nil {
		err = f.Helper.check(&f.ExchangeFlags, targets, getenv)
	}
	switch {
	case err != nil:
		return nil, err
	case f.exportToken && len(targets) > 1:
		return nil, errors.New("--export-token is for one robot, because a step has one output of that name")
	case len(request.Namespaced(targets)) > 0 && f.authFile == "" && !f.isolated:
		return nil, errors.New("robots of several organizations on one registry need --authfile or --isolated: docker, crane and helm know one login for each registry")
	}
	return targets, f.PlaceFlags.Check()
}

// ready finds what would keep the platform from handing the login on.
func (l *login) ready(context.Context) error {
	err := l.Platform.Ready()
	if err == nil && l.flags.exportToken && !l.Platform.Can().HandOn {
		l.Platform.Warn(platform.Message{
			Text:  "--export-token does nothing here: only a GitHub step has outputs",
			Steps: []platform.Step{{Text: "To print the robot token, run quay-keyless token."}},
		})
	}
	return err
}

// findFiles finds the files to write, and what would hide the login there.
func (l *login) findFiles(context.Context) (err error) {
	if l.plan, err = Plan(l.Run, l.flags, l.targets); err != nil || !l.flags.Helper.use {
		return err
	}
	return l.checkHelper()
}

// exchange gets an ID token and exchanges it for the robot tokens, which it checks at the
// registries.
func (l *login) exchange(ctx context.Context) (err error) {
	l.tokens, err = RobotTokens(ctx, l.Run, l.flags.ExchangeFlags, l.targets)
	return err
}

// remember notes what the job's last step has to undo.
func (l *login) remember(context.Context) error {
	l.result = platform.Result{Holder: platform.Holder(l.Env.Getenv), Exports: l.plan.Exports, Renews: l.flags.Helper.use}
	for _, target := range l.plan.Files {
		l.result.AuthFiles = append(l.result.AuthFiles, target.File.Path())
	}
	for _, token := range l.tokens {
		handedOn := platform.Login{Registry: token.Registry.Key(), Username: token.Robot.String(), ExpiresAt: token.ExpiresAt}
		if l.flags.exportToken {
			handedOn.Token = token.Token
		}
		l.result.Logins = append(l.result.Logins, handedOn)
	}
	return l.Platform.Remember(l.result)
}

// writeFiles writes the logins, or the credential helper, into the auth files.
func (l *login) writeFiles(ctx context.Context) error {
	if l.flags.Helper.use {
		return l.writeHelper(ctx)
	}
	for _, target := range l.plan.Files {
		if err := l.writeLogins(ctx, target); err != nil {
			return err
		}
	}
	return nil
}

// publish hands the login on to the next steps.
func (l *login) publish(ctx context.Context) error { return l.Platform.Publish(ctx, l.result) }
