// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line: each command reads its flags, makes one call and returns
// an exit code.
//
// stdout carries only results. A message begins with error: or warning:, says what the
// program asked for and what it got, and is followed by hints that can be pasted or done.
// No line ever holds a secret.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	a := process.NewRun(env)
	root := root(a)
	root.SetArgs(env.Args)
	command, err := root.ExecuteContextC(ctx)
	if !a.Running && wantsJSON(command, env) {
		speakJSON(a)
	}
	if talk, ok := a.Platform.(*platform.JSON); ok && (err == nil || errors.Is(err, found{})) {
		talk.Done()
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, found{}):
		return exitFound
	}
	if words, name, ok := strings.Cut(err.Error(), "unknown command \""); ok && words == "" && !a.Running && !errors.As(err, new(*request.UsageError)) {
		name, _, _ = strings.Cut(name, "\"")
		err = unknownCommand(command, name)
	}
	if usage := (*request.UsageError)(nil); errors.As(err, &usage) && usage.Command == "" || usage == nil && !a.Running {
		err = &request.UsageError{Command: command.CommandPath(), Err: err}
	}
	return tell(a, err)
}

// speakJSON makes an error one JSON object on standard error, which has the masks too:
// standard output is for the result.
func speakJSON(run *process.Run) { run.Platform = platform.NewJSON(run.Words(run.Env.Stderr)) }

// wantsJSON reports that the user chose JSON, on a command line that could not be parsed.
func wantsJSON(command *cobra.Command, env process.Env) bool {
	choice := request.OutputOf(command.Flags())
	if choice == nil || !slices.Contains(choice.Choices, "json") {
		return false
	}
	last := env.Getenv("QUAY_OUTPUT")
	for i, arg := range env.Args {
		switch {
		case arg == "--output" && i+1 < len(env.Args):
			last = env.Args[i+1]
		case strings.HasPrefix(arg, "--output="):
			last = strings.TrimPrefix(arg, "--output=")
		}
	}
	return last == "json"
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

// variables is how to set flags without a command line.
const variables = `Every flag can be set by an environment variable (--tls-verify: QUAY_TLS_VERIFY;
REGISTRY: QUAY_REGISTRY). Flags win. Put list items on separate lines.`

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
found something or setup --dry-run would change something; 1 anything else.

` + variables,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, args []string) error {
			if err := request.BindEnvironment(command.Flags(), run.Env.Getenv); err != nil {
				return err
			}
			if err := quoted(command.Flags()); err != nil {
				return err
			}
			run.Verbose, _ = command.Flags().GetBool("verbose")
			if choice := request.OutputOf(command.Flags()); choice != nil && choice.String() == "json" {
				speakJSON(run)
			}
			run.Running = true
			return nil
		},
	}
	root.SetIn(run.Env.Stdin)
	root.SetOut(run.Env.Stdout)
	root.SetErr(run.Env.Stderr)
	root.AddCommand(loginCommand(run), logoutCommand(run), tokenCommand(run), whoamiCommand(run), doctorCommand(run), federationCommand(run), setupCommand(run), auditCommand(run), providerCommand(run), versionCommand(run))
	root.Version = cmp.Or(run.Env.Version, "(unknown)")
	root.SetUsageFunc(func(command *cobra.Command) error { return usage(run, command) })
	root.SetFlagErrorFunc(flagError)
	strictHelp(root)
	everywhere(root, func(command *cobra.Command) { finish(run, command) })
	return root
}

// finish adds what all commands share.
func finish(run *process.Run, command *cobra.Command) {
	if check := command.Args; check != nil && command.RunE != nil {
		command.Args = func(c *cobra.Command, args []string) error {
			return cmp.Or(slip(run, c, args), check(c, args))
		}
		do := command.RunE
		command.RunE = func(c *cobra.Command, args []string) error {
			if waits(run.Platform) {
				defer run.ShowWaiting()()
			}
			return do(c, args)
		}
		if command.Flags().Lookup("verbose") == nil {
			command.Flags().Bool("verbose", false, "show more about an error")
		}
	}
	command.Flags().SortFlags = false // help has them in the order of importance
	command.InitDefaultHelpFlag()
	command.Flags().Lookup("help").Usage = "show this help"
	complete(run, command)
}

// waits reports that a person or a job's log may see what the program waits for.
func waits(host platform.Platform) bool {
	switch host.(type) {
	case *platform.JSON, oneLine:
		return false
	}
	return true
}

// Command is the command line of [Main], for man pages and completions.
func Command(env process.Env) *cobra.Command {
	return root(process.NewRun(env))
}

// wordsToStdout prints a command's words on stdout on GitHub, where the runner then
// reads workflow commands in order with the rest of the output. It is for commands
// without a result there.
func wordsToStdout(run *process.Run) {
	if _, json := run.Platform.(*platform.JSON); !json && run.Platform.Name() == "github" {
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
