// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"quay-keyless/internal/login"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// tokenCommand is for tools that do not read auth files.
func tokenCommand(run *process.Run) *cobra.Command {
	var flags tokenFlags
	command := &cobra.Command{
		Use:   "token [REGISTRY[/ORG]] --robot ORG+NAME",
		Short: "Exchange this job's ID token and print the robot token",
		Long: `Exchange this job's ID token for a robot token and print it, for tools that do
not read auth files: as text, as JSON, as a Kubernetes pull secret or an Argo CD
repository for "kubectl apply -f -", or as host rules for Renovate.`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runToken(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.ExchangeFlags.AddTo(command.Flags())
	request.AddOutput(command.Flags(), &flags.output, "text", "json", "kubernetes-secret", "argocd", "renovate")
	command.Flags().StringVar(&flags.outputFile, "output-file", "", "write to the file `PATH` (mode 0600), not to stdout")
	return command
}

type tokenFlags struct {
	request.ExchangeFlags
	output, outputFile string
}

// runToken gets a robot token and prints it in the chosen form.
func runToken(ctx context.Context, run *process.Run, flags tokenFlags, registry string) error {
	targets, err := flags.Targets(registry)
	if err == nil && len(targets) > 1 {
		err = fmt.Errorf("one robot at a time, not %d", len(targets))
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	output, err := newTokenOutput(run, flags.outputFile)
	if err != nil {
		return err
	}
	defer output.discard()
	logins, err := login.RobotTokens(ctx, run, flags.ExchangeFlags, targets)
	if err != nil {
		return err
	}
	text, err := tokenFormats[flags.output](logins[0])
	if err != nil {
		return err
	}
	return output.write(text)
}
