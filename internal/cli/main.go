// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line: each command reads its flags, makes one call and returns
// an exit code.
//
// stdout carries only results. A message begins with error: or warning:, says what the
// program asked for and what it got, and is followed by hints that can be pasted or done.
// No line ever holds a secret.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/explain"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// The exit codes, part of the program's interface.
const (
	exitDone        = 0
	exitOther       = 1 // an unexpected answer, the auth file, anything else
	exitUsage       = 2
	exitNoIDToken   = 3
	exitRefused     = 4
	exitUnreachable = 5
	exitFound       = 6 // with --exit-code
)

// Main runs one command and returns the exit code.
func Main(ctx context.Context, env process.Env) int {
	a := newRun(env)
	root := root(a)
	root.SetArgs(env.Args)
	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, found{}):
		return exitFound
	}
	if usage := (*request.UsageError)(nil); errors.As(err, &usage) && usage.Command == "" || usage == nil && !a.Running {
		err = &request.UsageError{Command: command.CommandPath(), Err: err}
	}
	tell(a, err)
	return exitCode(err)
}

// newRun is a run before its command line is parsed.
func newRun(env process.Env) *process.Run {
	a := &process.Run{Env: env, Secrets: new(platform.Secrets)}
	a.Platform = process.Speak(a, env.Stderr)
	return a
}

// tell prints the error. The exit code is about the first of several errors, so that one
// comes last.
func tell(run *process.Run, err error) {
	var several *login.Failures
	if errors.As(err, &several) {
		for _, other := range several.Errs[1:] {
			run.Platform.Warn(message(run, other))
		}
		err = several.Errs[0]
	}
	if run.PostStep {
		run.Platform.Warn(message(run, err))
		return
	}
	run.Platform.Fail(message(run, err))
}

// exitCode sorts errors for scripts.
func exitCode(err error) int {
	var (
		usage       *request.UsageError
		interrupted *process.Interrupted
		noIDToken   *idtoken.Error
		refusal     *quay.Refusal
		unreachable *endpoint.Unreachable
	)
	switch {
	case errors.As(err, &interrupted):
		return process.ExitSignal + int(interrupted.Signal)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &noIDToken):
		return exitNoIDToken
	case errors.As(err, &refusal):
		return exitRefused
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitOther
}

// variables ends the help of each command with flags. It is not a usage template,
// because cobra's SetUsageTemplate links text/template, which keeps the linker from
// dropping methods and costs 2.4 MB.
const variables = `

Each flag has a variable: --tls-verify is QUAY_TLS_VERIFY, REGISTRY is
QUAY_REGISTRY. A flag wins; lists are one per line.`

// root is the command line.
func root(run *process.Run) *cobra.Command {
	root := &cobra.Command{
		Use:   "quay-keyless",
		Short: "Log a CI job in to Quay without a stored password",
		Long: `quay-keyless logs a CI job in to a Quay registry without a stored password: it
exchanges the ID token that the CI platform signs for the job for a robot token
that lives one hour, and writes it where podman, buildah, skopeo, docker and the
other container tools look.

Exit codes: 0 done; 2 wrong usage; 3 no usable ID token in this job; 4 Quay
refused; 5 an endpoint was not reached or not trusted; 6 with --exit-code, audit
found something or setup --dry-run would change something; 1 anything else.` + variables,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, args []string) error {
			if err := request.BindEnvironment(command.Flags(), run.Env.Getenv); err != nil {
				return err
			}
			run.Running = true
			return nil
		},
	}
	root.SetIn(run.Env.Stdin)
	root.SetOut(run.Env.Stdout)
	root.SetErr(run.Env.Stderr)
	root.AddCommand(loginCommand(run), logoutCommand(run), tokenCommand(run), whoamiCommand(run), doctorCommand(run), federationCommand(run), setupCommand(run), auditCommand(run), providerCommand(run), versionCommand(run))
	strictHelp(root)
	return root
}

// Command is the command line of [Main], for man pages and completions.
func Command(env process.Env) *cobra.Command {
	return root(newRun(env))
}

// wordsToStdout prints a command's words on stdout on GitHub, where the runner then
// reads workflow commands in order with the rest of the output. It is for commands
// without a result there.
func wordsToStdout(run *process.Run) {
	if run.Platform.Name() == "github" {
		run.Platform = process.Speak(run, run.Env.Stdout)
	}
}

// versionCommand prints the program's version.
func versionCommand(run *process.Run) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(run.Env.Stdout, "quay-keyless", run.Env.Version)
			return err
		},
	}
}

// message is [explain.Message], with hints that need this job's variables.
func message(run *process.Run, err error) platform.Message {
	message := explain.Message(err)
	var refusal *quay.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != quay.WrongSubject {
		return message
	}
	if fork, project, ok := idtoken.ForkMergeRequest(run.Env.Getenv); ok {
		message.Hints = append([]string{
			fmt.Sprintf("this job is for a merge request from the fork %s, whose subject its ID token has: log in after the merge, in a pipeline of %s", fork, project),
			`to leave such jobs out: rules: [{if: '$CI_PIPELINE_SOURCE != "merge_request_event" || $CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_MERGE_REQUEST_PROJECT_PATH'}]`,
			"an entry as below would let everybody who can push to the fork log in",
		}, message.Hints...)
	}
	return message
}
