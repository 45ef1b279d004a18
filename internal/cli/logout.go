// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"quay-keyless/internal/login"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// logoutCommand undoes login.
func logoutCommand(run *process.Run) *cobra.Command {
	var paths []string
	command := &cobra.Command{
		Use:   "logout [REGISTRY[/ORG]]",
		Short: "Remove the login and restore what it replaced",
		Long: `Take the login out of the auth file and put back what was there before, where it
is still ours. Without REGISTRY: everything that this auth file got from us.`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			wordsToStdout(run)
			run.PostStep = run.Platform.Name() == "github" // the action's post step
			registries := args
			if len(args) == 0 {
				registries = request.Lines(run.Env.Getenv("QUAY_REGISTRY"))
			}
			return login.Logout(command.Context(), run, paths, registries)
		},
	}
	command.Flags().StringArrayVar(&paths, "authfile", nil, "the auth file at `PATH` and no other (repeatable)")
	return command
}
