// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/explain"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// CredentialHelper is the program under its other name,
// docker-credential-quay-keyless get|store|erase|list. Tools call it, so all that
// differs from [Main] is theirs: a failure is one line on stdout, which they
// quote, and exit code 1. The whole error goes to stderr too, since docker drops
// what a helper says and goes on without a login. No host takes part: masks and
// workflow commands would end up in somebody else's output.
func CredentialHelper(ctx context.Context, env process.Env) int {
	a := newApp(env)
	a.Running, a.Platform = true, noHost(env.Stderr, a.Secrets)
	err := serveHelper(ctx, a)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, credhelper.ErrNotFound):
		_, _ = fmt.Fprintln(env.Stdout, credhelper.ErrNotFound)
	default:
		message := explainHelper(err)
		_, _ = fmt.Fprintln(env.Stdout, a.Secrets.Line(message.Text))
		a.Platform.Fail(message)
	}
	return exitOther
}

// noHost says words as in a terminal, wherever the tool runs.
func noHost(words io.Writer, secrets *platform.Secrets) platform.Platform {
	return platform.Detect(platform.Env{
		Getenv:  func(string) string { return "" },
		Words:   words,
		Results: io.Discard,
		Secrets: secrets,
	})
}

// IsCredentialHelper reports whether a program's name, the first of its
// arguments, asks for [CredentialHelper].
func IsCredentialHelper(program string) bool { return credhelper.Called(program) }

// serveHelper does what a tool asked for.
func serveHelper(ctx context.Context, run *process.Run) error {
	action := ""
	if len(run.Env.Args) == 1 {
		action = run.Env.Args[0]
	}
	switch action {
	case "get":
		return helperGet(ctx, run)
	case "store":
		drain(run)
		return errStore
	case "erase": // podman logout: there is nothing to forget
		drain(run)
		return nil
	case "list":
		_, err := fmt.Fprintln(run.Env.Stdout, "{}")
		return err
	case "version":
		_, err := fmt.Fprintln(run.Env.Stdout, credhelper.Program, run.Env.Version)
		return err
	}
	return errHelperUsage
}

var (
	errStore       = errors.New("quay-keyless stores no credential: it gets a new one whenever a tool asks")
	errHelperUsage = errors.New("usage: " + credhelper.Program + " get|store|erase|list")
)

// drain reads what a tool hands over, so that its write succeeds.
func drain(run *process.Run) {
	const enough = 1 << 20
	_, _ = io.Copy(io.Discard, io.LimitReader(run.Env.Stdin, enough))
}

// helperGet exchanges anew, always: a tool asks once per transfer and keeps what it
// got, so an old token could end in the middle of one. The registry's own proof
// is left out, since the tool makes it next.
func helperGet(ctx context.Context, run *process.Run) error {
	name, err := credhelper.ReadHost(run.Env.Stdin)
	if err == nil && run.Env.StdoutClosed {
		err = errStdoutClosed
	}
	if err != nil {
		return err
	}
	settings, err := credhelper.Find(run.Env.Getenv, run.Env.UID, run.Env.Trust, name)
	if err != nil {
		return err
	}
	flags, targets, err := login.FromSettings(name, settings)
	if err != nil {
		return fmt.Errorf("the settings for %s: %w", name, err)
	}
	ctx, stop := run.Env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.Deadline(ctx)
	defer cancel()
	logins, err := login.Mint(ctx, run, flags, targets)
	if err != nil {
		return err
	}
	return credhelper.WriteCredential(run.Env.Stdout, name, logins[0].Robot.String(), logins[0].Token)
}

// explainHelper is [explain] for a helper's own errors.
func explainHelper(err error) platform.Message {
	message := explain.Message(err)
	switch {
	case errors.Is(err, errStore):
		message.Hints = []string{
			"nothing is to be done: podman, buildah, skopeo and docker ask quay-keyless by themselves",
			"for a password of your own in its place: quay-keyless logout, then podman login",
		}
	case errors.Is(err, errHelperUsage):
		message.Hints = []string{"tools call this program by themselves; people use quay-keyless"}
	}
	return message
}
