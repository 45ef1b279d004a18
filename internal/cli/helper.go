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

// CredentialHelper is the program under its other name, docker-credential-quay-keyless
// get|store|erase|list. Tools call it, so the protocol applies: a failure is one line on
// stdout, which tools quote, and exit code 1. The whole error also goes to stderr,
// because docker drops what a helper says. It never writes masks or workflow commands:
// they would appear in the calling tool's output.
func CredentialHelper(ctx context.Context, env process.Env) int {
	a := process.NewRun(env)
	a.Running, a.Platform = true, plainWords(a, a.Env.Stderr)
	err := serveHelper(ctx, a)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, credhelper.ErrNotFound):
		_, _ = fmt.Fprintln(env.Stdout, credhelper.ErrNotFound)
	default:
		message := explain.Message(a, err)
		_, _ = fmt.Fprintln(env.Stdout, a.Secrets.Line(message.Line()))
		a.Platform.Fail(message)
	}
	return 1
}

// plainWords prints words as in a terminal, whatever the tool runs in.
func plainWords(run *process.Run, words io.Writer) platform.Platform {
	env := run.Words(words)
	env.Getenv, env.Results = func(string) string { return "" }, io.Discard
	return platform.Detect(env)
}

// IsCredentialHelper reports whether the first argument, the program's name, asks for
// [CredentialHelper].
func IsCredentialHelper(program string) bool { return credhelper.Called(program) }

// serveHelper does what a tool asks for.
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
	case "erase": // podman logout: nothing is stored
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
	errStore = &platform.Curable{
		Text: "quay-keyless stores no credential: it gets a new one whenever a tool asks",
		Cures: []string{
			"Nothing needs to be done: podman, buildah, skopeo and docker ask quay-keyless by themselves.",
			"To use your own password instead, run quay-keyless logout, then podman login.",
		},
	}
	errHelperUsage = &platform.Curable{
		Text:  "usage: " + credhelper.Program + " get|store|erase|list",
		Cures: []string{"Tools call this program. People use quay-keyless."},
	}
)

// drain reads what a tool sends, so that its write succeeds.
func drain(run *process.Run) {
	const enough = 1 << 20
	_, _ = io.Copy(io.Discard, io.LimitReader(run.Env.Stdin, enough))
}

// helperGet exchanges an ID token each time: a tool asks once per transfer and keeps the
// answer, and an old token could expire during it. It skips the proof, because the tool
// makes it next.
func helperGet(ctx context.Context, run *process.Run) error {
	name, err := credhelper.ReadHost(run.Env.Stdin)
	if err == nil && run.Env.StdoutClosed {
		err = errStdoutClosed
	}
	if err != nil {
		return err
	}
	settings, err := credhelper.Find(login.Place(run), name)
	if err != nil {
		return err
	}
	flags, targets, err := login.FromSettings(name, settings)
	if err != nil {
		return fmt.Errorf("the settings for %s: %w", name, err)
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	logins, err := login.RobotTokens(ctx, run, flags, targets)
	if err != nil {
		return err
	}
	return credhelper.WriteCredential(run.Env.Stdout, name, logins[0].Robot.String(), logins[0].Token)
}
