// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
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
		Args: noSuchCommand,
		RunE: func(*cobra.Command, []string) error {
			return &request.UsageError{Err: errors.New("list, add or remove?")}
		},
	}
	command.AddCommand(federationList(run), federationAdd(run), federationRemove(run))
	return command
}

// federationList prints what Quay has stored.
func federationList(run *process.Run) *cobra.Command {
	var flags request.APIFlags
	var output string
	command := atRegistry(run, &cobra.Command{
		Use:     "list [REGISTRY] --robot ORG+NAME",
		Short:   "Print the federation entries that Quay has stored for a robot",
		Long:    "Print the federation entries that Quay has stored for a robot.",
		Example: `  quay-keyless federation list quay.example.com --robot acme+ci --output json`,
	}, func(ctx context.Context, registry string) error {
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
			return show(run, entries, federation.Outputs[output])
		})
	})
	flags.AddTo(command.Flags())
	flags.AddTransportTo(command.Flags())
	request.AddOutput(command.Flags(), &output, "text", "json")
	return command
}

// show prints a result.
func show[T any](run *process.Run, result T, format func(*process.Run, T) ([]byte, error)) error {
	text, err := format(run, result)
	if err == nil {
		_, err = run.Env.Stdout.Write(text)
	}
	return err
}

// whichEntry is how add and remove are told which entry.
const whichEntry = " [REGISTRY] --robot ORG+NAME --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT"

func federationAdd(run *process.Run) *cobra.Command {
	return federationEdit(run, new(federation.EditFlags), &cobra.Command{
		Use:   "add" + whichEntry,
		Short: "Have a robot trust one more ID token",
		Long: `Add a federation entry to a robot account. The other entries stay as they are,
whatever is in them. If the entry is there already, nothing is sent.`,
		Example: `  quay-keyless federation add --robot acme+ci --github acme/app --ref main
  quay-keyless federation add --robot acme+ci --from-token --dry-run`,
	})
}

func federationRemove(run *process.Run) *cobra.Command {
	flags := &federation.EditFlags{Removes: true}
	command := federationEdit(run, flags, &cobra.Command{
		Use:   "remove" + whichEntry,
		Short: "Have a robot no longer trust an ID token",
		Long: `Remove a federation entry from a robot account. Exchanges with it stop at once;
robot tokens that were given before live on for up to an hour.`,
		Example: `  quay-keyless federation remove --robot acme+ci --github acme/app --ref main`,
	})
	command.Flags().BoolVar(&flags.IfExists, "if-exists", false, "succeed if the entry is not there")
	return command
}

// federationEdit completes a command that edits the list of entries.
func federationEdit(run *process.Run, flags *federation.EditFlags, command *cobra.Command) *cobra.Command {
	flags.AddTo(command.Flags())
	return atRegistry(run, command, func(ctx context.Context, registry string) error {
		if err := flags.Check(); err != nil {
			return &request.UsageError{Err: err}
		}
		return federation.EditEntry(ctx, run, *flags, registry)
	})
}
