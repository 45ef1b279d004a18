// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// The exit codes, part of the program's interface.
const (
	exitDone        = 0
	exitOther       = 1 // an answer not to be believed, the auth file, anything else
	exitUsage       = 2
	exitNoIDToken   = 3
	exitRefused     = 4
	exitUnreachable = 5
	exitSignal      = 128 // plus the signal's number
)

// app is one run of the program.
type app struct {
	env Env
	// host is where words go; it is a command's to choose the stream.
	host host.Host
	// secrets stay out of all words and results but token's.
	secrets *host.Secrets
	// running is true once the command line was understood.
	running bool
	// after is true where the job's own work is done, so that what goes wrong
	// now is no error of the job's.
	after bool
}

// Main runs one command and returns the exit code.
func Main(ctx context.Context, env Env) int {
	a := newApp(env)
	root := a.root()
	root.SetArgs(env.Args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if usage := (*usageError)(nil); errors.As(err, &usage) && usage.command == "" || usage == nil && !a.running {
		err = &usageError{command: command.CommandPath(), err: err}
	}
	a.tell(err)
	return exitCode(err)
}

// newApp is a run that has not begun.
func newApp(env Env) *app {
	a := &app{env: env, secrets: new(host.Secrets)}
	a.host = a.speak(env.Stderr)
	return a
}

// speak finds the host, for words on that stream.
func (a *app) speak(words io.Writer) host.Host {
	return host.Detect(host.Env{Getenv: a.env.Getenv, Words: words, Results: a.env.Stdout, Secrets: a.secrets})
}

// tell says what went wrong: of several things the first one last, as the error
// that the exit code is about.
func (a *app) tell(err error) {
	var several *failures
	if errors.As(err, &several) {
		for _, other := range several.errs[1:] {
			a.host.Warn(a.explain(other))
		}
		err = several.errs[0]
	}
	if a.after {
		a.host.Warn(a.explain(err))
		return
	}
	a.host.Fail(a.explain(err))
}

// usageError is a command line that makes no sense. Main adds the command whose help
// tells more, where it is not another than the one that ran.
type usageError struct {
	command string
	err     error
}

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

// exitCode tells scripts what kind of error it was.
func exitCode(err error) int {
	var (
		usage       *usageError
		interrupted *Interrupted
		noIDToken   *idtoken.Error
		refusal     *quay.Refusal
		unreachable *endpoint.Unreachable
	)
	switch {
	case errors.As(err, &interrupted):
		return exitSignal + int(interrupted.Signal)
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

// variables is the end of the help of each command that has flags. It is not a
// usage template: cobra's SetUsageTemplate links text/template, which keeps the
// linker from dropping methods and costs 2.4 MB.
const variables = `

Each flag has a variable: --tls-verify is QUAY_TLS_VERIFY, REGISTRY is
QUAY_REGISTRY. A flag wins; lists are one per line.`

// root is the command line.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quay-keyless",
		Short: "Log a CI job in to Quay without a stored password",
		Long: `quay-keyless logs a CI job in to a Quay registry without a stored password: it
exchanges the ID token that the CI platform signs for the job for a robot token
that lives one hour, and writes it where podman, buildah, skopeo, docker and the
other container tools look.

Exit codes: 0 done; 2 wrong usage; 3 no usable ID token in this job; 4 Quay
refused; 5 an endpoint was not reached or not trusted; 1 anything else.` + variables,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, args []string) error {
			if err := bindEnvironment(command.Flags(), a.env.Getenv); err != nil {
				return err
			}
			a.running = true
			return nil
		},
	}
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.AddCommand(a.login(), a.logout(), a.token(), a.whoami(), a.doctor(), a.federation(), a.setup(), a.version())
	strictHelp(root)
	return root
}

// Command is the command line of [Main], for what is made from it: man pages and
// completions.
func Command(env Env) *cobra.Command {
	return newApp(env).root()
}

// say makes the command's words go to stdout on GitHub, where the runner takes
// workflow commands in order with the rest of the output. It is for commands
// that have no result there.
func (a *app) say() {
	if a.host.Name() == "github" {
		a.host = a.speak(a.env.Stdout)
	}
}

// version prints the program's version.
func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.env.Stdout, "quay-keyless", a.env.Version)
			return err
		},
	}
}
