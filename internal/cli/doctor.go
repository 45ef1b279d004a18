// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"github.com/spf13/cobra"

	"quay-keyless/internal/doctor"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// doctorCommand checks every link of the chain.
func doctorCommand(run *process.Run) *cobra.Command {
	var flags doctor.Flags
	command := &cobra.Command{
		Use:   "doctor [REGISTRY] --robot ORG+NAME",
		Short: "Check every link from this job to a login",
		Long: `Check every link of the chain from this job to a login, one by one, and change
nothing: the ID token, its issuer, the registry, the exchange, the proof, and
the file that a login would be written to. With a token for Quay's API in
QUAY_API_TOKEN the robot's stored federation entries are compared with what this
job shows. The exit code is that of the first link that failed.`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return doctor.Examine(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.ExchangeFlags.AddTo(command.Flags())
	flags.PlaceFlags.AddTo(command.Flags())
	request.AddOutput(command.Flags(), &flags.Output, "text", "json")
	flags.NodeFlags.AddTo(command.Flags())
	return command
}
