// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
	run := process.NewRun(env)
	words := run.Words(run.Env.Stderr)
	words.Getenv, words.Results = func(string) string { return "" }, io.Discard
	run.Running, run.Platform = true, platform.Detect(words) // as in a terminal, whatever the tool runs in
	err := serveHelper(ctx, run)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, credhelper.ErrNotFound):
		_, _ = fmt.Fprintln(env.Stdout, credhelper.ErrNotFound)
	default:
		message := explain.Message(run, err)
		_, _ = fmt.Fprintln(env.Stdout, run.Secrets.Line(message.Line()))
		run.Platform.Fail(message)
	}
	return 1
}

// IsCredentialHelper reports whether the first argument, the program's name, asks for
// [CredentialHelper].
func IsCredentialHelper(program string) bool { return credhelper.Called(program) }

// serveHelper does what a tool asks for.
func serveHelper(ctx context.Context, run *process.Run) (err error) {
	switch strings.Join(run.Env.Args, " ") {
	case "get":
		return helperGet(ctx, run)
	case "store":
		drain(run)
		return &platform.Curable{
			Text: "quay-keyless stores no credential: it gets a new one whenever a tool asks",
			Cures: []string{
				"Nothing needs to be done: podman, buildah, skopeo and docker ask quay-keyless by themselves.",
				"To use your own password instead, run quay-keyless logout, then podman login.",
			},
		}
	case "erase": // podman logout: nothing is stored
		drain(run)
		return nil
	case "list":
		_, err = fmt.Fprintln(run.Env.Stdout, "{}")
		return err
	case "version":
		_, err = fmt.Fprintln(run.Env.Stdout, credhelper.Program, run.Env.Version)
		return err
	}
	return &platform.Curable{
		Text:  "usage: " + credhelper.Program + " get|store|erase|list",
		Cures: []string{"Tools call this program. People use quay-keyless."},
	}
}

// drain reads what a tool sends, so that its write succeeds.
func drain(run *process.Run) {
	const most = 1 << 20
	_, _ = io.Copy(io.Discard, io.LimitReader(run.Env.Stdin, most))
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
	tokens, err := login.RobotTokens(ctx, run, flags, targets)
	if err != nil {
		return err
	}
	return credhelper.WriteCredential(run.Env.Stdout, name, tokens[0].Robot.String(), tokens[0].Token)
}
