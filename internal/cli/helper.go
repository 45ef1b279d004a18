// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/host"
)

// CredentialHelper is the program under its other name,
// docker-credential-quay-keyless get|store|erase|list. Tools call it, so all that
// differs from [Main] is theirs: a failure is one line on stdout, which they
// quote, and exit code 1. The whole error goes to stderr too, since docker drops
// what a helper says and goes on without a login. No host takes part: masks and
// workflow commands would end up in somebody else's output.
func CredentialHelper(ctx context.Context, env Env) int {
	a := newApp(env)
	a.running, a.host = true, noHost(env.Stderr, a.secrets)
	err := a.help(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, credhelper.ErrNotFound):
		_, _ = fmt.Fprintln(env.Stdout, credhelper.ErrNotFound)
	default:
		message := explainHelper(err)
		_, _ = fmt.Fprintln(env.Stdout, a.secrets.Line(message.Text))
		a.host.Fail(message)
	}
	return exitOther
}

// noHost says words as in a terminal, wherever the tool runs.
func noHost(words io.Writer, secrets *host.Secrets) host.Host {
	return host.Detect(host.Env{
		Getenv:  func(string) string { return "" },
		Words:   words,
		Results: io.Discard,
		Secrets: secrets,
	})
}

// IsCredentialHelper reports whether a program's name, the first of its
// arguments, asks for [CredentialHelper].
func IsCredentialHelper(program string) bool { return credhelper.Called(program) }

// help does what a tool asked for.
func (a *app) help(ctx context.Context) error {
	action := ""
	if len(a.env.Args) == 1 {
		action = a.env.Args[0]
	}
	switch action {
	case "get":
		return a.helpGet(ctx)
	case "store":
		a.drain()
		return errStore
	case "erase": // podman logout: there is nothing to forget
		a.drain()
		return nil
	case "list":
		_, err := fmt.Fprintln(a.env.Stdout, "{}")
		return err
	case "version":
		_, err := fmt.Fprintln(a.env.Stdout, credhelper.Program, a.env.Version)
		return err
	}
	return errHelperUsage
}

var (
	errStore       = errors.New("quay-keyless stores no credential: it gets a new one whenever a tool asks")
	errHelperUsage = errors.New("usage: " + credhelper.Program + " get|store|erase|list")
)

// drain reads what a tool hands over, so that its write succeeds.
func (a *app) drain() {
	const enough = 1 << 20
	_, _ = io.Copy(io.Discard, io.LimitReader(a.env.Stdin, enough))
}

// helpGet exchanges anew, always: a tool asks once per transfer and keeps what it
// got, so an old token could end in the middle of one. The registry's own proof
// is left out, since the tool makes it next.
func (a *app) helpGet(ctx context.Context) error {
	name, err := credhelper.ReadHost(a.env.Stdin)
	if err == nil && a.env.Unread {
		err = errUnread
	}
	if err != nil {
		return err
	}
	settings, err := credhelper.Find(a.env.Getenv, a.env.UID, a.env.Trust, name)
	if err != nil {
		return err
	}
	flags, targets, err := helperMint(name, settings)
	if err != nil {
		return fmt.Errorf("the settings for %s: %w", name, err)
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	logins, err := a.mint(ctx, flags, targets)
	if err != nil {
		return err
	}
	return credhelper.WriteCredential(a.env.Stdout, name, logins[0].robot.String(), logins[0].token)
}

// helperMint is what login was told, out of the settings that it left for a host.
func helperMint(name string, s credhelper.Settings) (mintFlags, []target, error) {
	limit, err := s.Limit()
	if err != nil {
		return mintFlags{}, nil, err
	}
	flags := mintFlags{
		identityFlags: identityFlags{
			audiences:     []string{name + "=" + s.Audience},
			source:        cmp.Or(s.Source, "auto"), // which a file or a variable precedes
			tokenFile:     s.File,
			tokenEnv:      s.Variable,
			caCertificate: s.CA,
			timeout:       limit,
			sources:       sourceFlagsOf(s.Options),
		},
		robots:    []string{s.Robot},
		tlsVerify: s.TLSVerify,
	}
	targets, err := flags.targets(s.Registry)
	if err == nil && targets[0].registry.Host != name { // no tool expects another's token
		err = fmt.Errorf("they are for %s", targets[0].registry.Host)
	}
	return flags, targets, err
}

// helperSettings is the way back from [helperMint]: what a login leaves for the
// helper. Source is the one that the login used.
func helperSettings(flags mintFlags, t target, source sourceOf, readFile func(string) ([]byte, error)) (credhelper.Settings, error) {
	s := credhelper.Settings{
		Registry:  t.registry.String(),
		Robot:     t.robot.String(),
		Audience:  t.audience,
		Source:    source.name,
		File:      source.file,
		Variable:  source.variable,
		TLSVerify: flags.tlsVerify,
		Timeout:   flags.timeout.Round(time.Millisecond).String(),
	}
	if flags.caCertificate != "" {
		text, err := pemText(flags.caCertificate, readFile)
		if err != nil {
			return s, err
		}
		s.CA = string(text)
	}
	return s, nil
}
