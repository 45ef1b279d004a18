// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"quay-keyless/internal/login"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// loginCommand writes a login; the other commands support it.
func loginCommand(run *process.Run) *cobra.Command {
	var flags login.Flags
	var output string // decided in root
	command := &cobra.Command{
		Use:   "login [REGISTRY[/ORG]] --robot [HOST/]ORG+NAME ...",
		Short: "Exchange this job's ID token and write the login",
		Long: `Exchange this job's ID token for a robot token, check that the registry accepts
it, and write it to the auth file, where podman, buildah, skopeo, docker and
other tools find it. REGISTRY is quay.io, another HOST[:PORT], or a URL.`,
		Example: `  quay-keyless login --robot acme+ci
  quay-keyless login quay.example.com --robot acme+ci --check acme/app:push`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			wordsToStdout(run)
			return login.Login(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.ExchangeFlags.AddTo(command.Flags())
	flags.PlaceFlags.AddTo(command.Flags())
	flags.Helper.AddTo(command.Flags())
	request.AddOutput(command.Flags(), &output, "text", "json")
	command.Flags().BoolVar(&flags.InstallCA, "install-ca", false, "install the CA for podman, buildah and skopeo")
	command.Flags().BoolVar(&flags.ExportToken, "export-token", false, "also set the robot token as the step's output (GitHub)")
	return command
}
