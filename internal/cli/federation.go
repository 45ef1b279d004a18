// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// federationCommand manages the ID tokens that a robot trusts.
func federationCommand(run *process.Run) *cobra.Command {
	command := &cobra.Command{
		Use:   "federation",
		Short: "List, add and remove a robot's federation entries in Quay",
		Long: `List, add and remove the federation entries of a robot account: the issuers and
subjects of the ID tokens that Quay exchanges for it. This is for people who
administer the organization, with a token for Quay's API in ` + request.APITokenVariable + `
or --api-token-file; a job's login needs neither.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return &request.UsageError{Err: fmt.Errorf("list, add or remove?")}
		},
	}
	command.AddCommand(federationList(run), federationAdd(run), federationRemove(run))
	return command
}

// federationList prints what Quay has stored.
func federationList(run *process.Run) *cobra.Command {
	var flags request.APIFlags
	var output string
	command := &cobra.Command{
		Use:     "list [REGISTRY] --robot ORG+NAME",
		Short:   "Print the federation entries that Quay has stored for a robot",
		Long:    "Print the federation entries that Quay has stored for a robot.",
		Example: `  quay-keyless federation list quay.example.com --robot acme+ci --output json`,
		Args:    request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runFederationList(command.Context(), run, flags, output, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	flags.AddTransportTo(command.Flags())
	request.AddOutput(command.Flags(), &output, "text", "json")
	return command
}

func runFederationList(ctx context.Context, run *process.Run, flags request.APIFlags, output, registry string) error {
	t, err := flags.Target(registry)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags, t, func(ctx context.Context, api *quay.API) error {
		entries, err := api.Account(t.Robot).Federation(ctx)
		if err != nil {
			return &federation.RefusedAPI{Target: t, Scopes: federation.ScopeOrganization, Err: err}
		}
		if len(entries) == 0 {
			run.Platform.Notice(fmt.Sprintf("%s has no federation entry at %s", t.Robot, t.Registry.Host))
		}
		text, err := federation.Outputs[output](run, entries)
		if err != nil {
			return err
		}
		_, err = run.Env.Stdout.Write(text)
		return err
	})
}
