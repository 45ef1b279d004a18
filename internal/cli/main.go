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
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/explain"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// exitFound is the exit code of --exit-code, part of the program's interface.
const exitFound = 6

// errFound ends a command with exitFound, after it has said what it found.
var errFound = errors.New("found something")

// Main runs one command and returns the exit code.
func Main(ctx context.Context, env process.Env) int {
	run := process.NewRun(env)
	root := root(run)
	command, _, _ := root.Find(env.Args)
	speak(run, command)
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	found := errors.Is(err, errFound)
	if talk, ok := run.Platform.(*platform.JSON); ok && (err == nil || found) {
		talk.Done()
	}
	usage := &request.UsageError{}
	switch {
	case err == nil:
		return 0
	case found:
		return exitFound
	case errors.As(err, &usage), !run.Running:
		err = &request.UsageError{Command: cmp.Or(usage.Command, command.CommandPath()), Err: err}
	}
	return tell(run, err)
}

// Command is the command line of [Main], for man pages and completions.
func Command(env process.Env) *cobra.Command { return root(process.NewRun(env)) }

// speak makes the program speak to the command's reader, even if the rest of the command
// line cannot be parsed. With JSON an error is one object on standard error, which has the
// masks too: standard output is for the result.
func speak(run *process.Run, command *cobra.Command) {
	choice := request.OutputOf(command.Flags())
	switch {
	case command.Name() == providerName:
		run.Platform = oneLine{run.Platform, run}
	case choice != nil && slices.Contains(choice.Choices, "json"):
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.Usage = func() {}
		flags.ParseErrorsAllowlist.UnknownFlags = true
		output := flags.String("output", run.Env.Getenv("QUAY_OUTPUT"), "")
		_ = flags.Parse(run.Env.Args)
		if *output == "json" {
			run.Platform = platform.NewJSON(run.Words(run.Env.Stderr))
		}
	}
}

// tell prints the error and returns the exit code: that of the first of several errors,
// which therefore comes last.
func tell(run *process.Run, err error) int {
	if several := (*login.Failures)(nil); errors.As(err, &several) {
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
