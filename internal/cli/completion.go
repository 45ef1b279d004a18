// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// complete says what a shell offers for the arguments and flags of a command.
func complete(run *process.Run, command *cobra.Command) {
	if command.ValidArgsFunction == nil {
		command.ValidArgsFunction = cobra.NoFileCompletions
	}
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		offer := cobra.CompletionFunc(cobra.NoFileCompletions)
		choice, chosen := flag.Value.(*request.Choice)
		value, _ := pflag.UnquoteUsage(flag)
		switch {
		case chosen:
			offer = cobra.FixedCompletions(choice.Choices, cobra.ShellCompDirectiveNoFileComp)
		case flag.Name == "robot":
			offer = func(command *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
				return robots(command, run, request.RegistryArgument(run, args), begun), cobra.ShellCompDirectiveNoFileComp
			}
		case value == "DIR":
			offer = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
		case value == "PATH", value == "CA":
			return // files
		}
		_ = command.RegisterFlagCompletionFunc(flag.Name, offer)
	})
}

// enough is how long a person waits for a completion.
const enough = 5 * time.Second

// robots are the robots of the organization in [HOST/]ORG+, if there is a token for Quay's
// API. They come without a word, because a person is typing.
func robots(command *cobra.Command, run *process.Run, registry, begun string) (offers []string) {
	organization, _, found := strings.Cut(begun, "+")
	host, name := "", organization
	if slash := strings.LastIndex(organization, "/"); slash >= 0 {
		registry, host, name = organization[:slash], organization[:slash+1], organization[slash+1:]
	}
	if !found || request.BindEnvironment(command.Flags(), run.Env.Getenv) != nil {
		return nil
	}
	var flags request.APIFlags
	flags.Timeout = enough
	flags.CaCertificate, _ = command.Flags().GetString("ca-certificate")
	flags.APITokenFile, _ = command.Flags().GetString("api-token-file")
	flags.TLSVerify, _ = command.Flags().GetBool("tls-verify")
	target, err := flags.OrganizationTarget(registry, name)
	if err != nil {
		return nil
	}
	run.Platform = oneLine{run.Platform, run}
	_ = federation.WithAPI(command.Context(), run, flags, target, func(ctx context.Context, api *quay.API) error {
		all, err := api.Robots(ctx, name)
		for _, robot := range all {
			offers = append(offers, cobra.CompletionWithDesc(host+robot.Name, run.Secrets.Line(robot.Description)))
		}
		slices.Sort(offers)
		return err
	})
	return offers
}
