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

	"quay-keyless/internal/explain"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// exitFound is the exit code of --exit-code, part of the program's interface.
const exitFound = 6

// Main runs one command and returns the exit code.
func Main(ctx context.Context, env process.Env) int {
	a := newRun(env)
	root := root(a)
	root.SetArgs(env.Args)
	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, found{}):
		return exitFound
	}
	if usage := (*request.UsageError)(nil); errors.As(err, &usage) && usage.Command == "" || usage == nil && !a.Running {
		err = &request.UsageError{Command: command.CommandPath(), Err: err}
	}
	return tell(a, err)
}

// newRun is a run before its command line is parsed.
func newRun(env process.Env) *process.Run {
	a := &process.Run{Env: env, Secrets: new(platform.Secrets)}
	a.Platform = process.Speak(a, env.Stderr)
	return a
}

// tell prints the error and returns the exit code: that of the first of several errors,
// which therefore comes last.
func tell(run *process.Run, err error) int {
	var several *login.Failures
	if errors.As(err, &several) {
		for _, other := range several.Errs[1:] {
			run.Platform.Warn(explain.Message(run, other))
		}
		err = several.Errs[0]
	}
	message := explain.Message(run, err)
	if run.PostStep {
		run.Platform.Warn(message)
	} else {
		run.Platform.Fail(message)
	}
	return message.Exit
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
