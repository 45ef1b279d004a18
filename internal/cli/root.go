// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

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
		Version:           cmp.Or(run.Env.Version, "(unknown)"),
		Args:              noSuchCommand,
		RunE:              func(command *cobra.Command, _ []string) error { return command.Help() },
		PersistentPreRunE: func(command *cobra.Command, _ []string) error { return begin(run, command.Flags()) },
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.SetIn(run.Env.Stdin)
	root.SetOut(run.Env.Stdout)
	root.SetErr(run.Env.Stderr)
	root.AddCommand(loginCommand(run), logoutCommand(run), tokenCommand(run), whoamiCommand(run), doctorCommand(run),
		federationCommand(run), setupCommand(run), auditCommand(run), providerCommand(run), versionCommand(run))
	root.SetUsageFunc(func(command *cobra.Command) error { return usage(run, command) })
	root.SetFlagErrorFunc(flagError)
	strictHelp(root)
	everywhere(root, func(command *cobra.Command) { finish(run, command) })
	return root
}

// everywhere calls do for a command and all below it.
func everywhere(command *cobra.Command, do func(*cobra.Command)) {
	do(command)
	for _, child := range command.Commands() {
		everywhere(child, do)
	}
}

// finish adds what all commands share.
func finish(run *process.Run, command *cobra.Command) {
	if check, do := command.Args, command.RunE; do != nil {
		command.Args = func(c *cobra.Command, args []string) error { return cmp.Or(slip(run, c, args), check(c, args)) }
		command.RunE = func(c *cobra.Command, args []string) error {
			defer showWaiting(run)()
			return do(c, args)
		}
		if command.HasParent() && command.Flags().Lookup("verbose") == nil {
			command.Flags().Bool("verbose", false, "show more about an error")
		}
	}
	command.Flags().SortFlags = false // help has them in the order of importance
	command.InitDefaultHelpFlag()
	command.Flags().Lookup("help").Usage = "show this help"
	complete(run, command)
}

// begin reads the variables of the flags.
func begin(run *process.Run, flags request.FlagSet) error {
	if err := cmp.Or(request.BindEnvironment(flags, run.Env.Getenv), quoted(flags)); err != nil {
		return err
	}
	run.Verbose, _ = flags.GetBool("verbose")
	run.Running = true
	return nil
}

// showWaiting shows what the program waits for, unless a program reads the words.
func showWaiting(run *process.Run) (end func()) {
	switch run.Platform.(type) {
	case *platform.JSON, oneLine:
		return func() {}
	}
	return run.Waiting.Start(run.Env.Seconds)
}

// atRegistry completes a command with an optional REGISTRY.
func atRegistry(run *process.Run, command *cobra.Command, do func(ctx context.Context, registry string) error) *cobra.Command {
	command.Args = request.OneRegistry
	command.RunE = func(c *cobra.Command, args []string) error {
		return do(c.Context(), request.RegistryArgument(run, args))
	}
	return command
}
