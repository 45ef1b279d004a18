// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

func federationAdd(run *process.Run) *cobra.Command {
	var flags federation.EditFlags
	command := &cobra.Command{
		Use:   "add [REGISTRY] --robot ORG+NAME --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Have a robot trust one more ID token",
		Long: `Add a federation entry to a robot account. The other entries stay as they are,
whatever is in them. If the entry is there already, nothing is sent.`,
		Example: `  quay-keyless federation add --robot acme+ci --github acme/app --ref main
  quay-keyless federation add --robot acme+ci --from-token --dry-run`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			if err := flags.Check(); err != nil {
				return &request.UsageError{Err: err}
			}
			return federation.EditEntry(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	return command
}

func federationRemove(run *process.Run) *cobra.Command {
	flags := federation.EditFlags{Removes: true}
	command := &cobra.Command{
		Use:   "remove [REGISTRY] --robot ORG+NAME --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Have a robot no longer trust an ID token",
		Long: `Remove a federation entry from a robot account. Exchanges with it stop at once;
robot tokens that were given before live on for up to an hour.`,
		Example: `  quay-keyless federation remove --robot acme+ci --github acme/app --ref main`,
		Args:    request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			if err := flags.Check(); err != nil {
				return &request.UsageError{Err: err}
			}
			return federation.EditEntry(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	command.Flags().BoolVar(&flags.IfExists, "if-exists", false, "succeed if the entry is not there")
	return command
}
