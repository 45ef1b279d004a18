// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// setupCommand is everything that Quay must have before a job can log in.
func setupCommand(run *process.Run) *cobra.Command {
	var flags federation.SetupFlags
	command := &cobra.Command{
		Use:   "setup [REGISTRY] --robot ORG+NAME --grant REPO=read|write|admin ... --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Make the robot, its permissions and its federation entry in Quay",
		Long: `Make in Quay what a job's login needs, as far as it is missing: the robot account,
its permissions and the federation entry; then print the lines for the job. Run
again, it changes nothing. It needs a token for Quay's API, in ` + request.APITokenVariable + `
or --api-token-file, with the scopes org:admin, repo:admin and, with
--create-repositories, repo:create.` + variables,
		Example: `  quay-keyless setup --robot acme+ci --grant app=write --github acme/app --ref main
  quay-keyless setup quay.example.com --robot acme+ci --grant app=write --service-account build/pipeline --issuer https://oidc.example.com`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runSetup(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	command.Flags().StringArrayVar(&flags.Grants, "grant", nil, "give the robot a role on a repository, `[ORG/]REPO=read|write|admin` (repeatable)")
	command.Flags().BoolVar(&flags.CreateRepositories, "create-repositories", false, "make repositories that are missing, as private ones")
	return command
}

// runSetup makes the plan, prints it, carries it out, and prints the lines for the job.
func runSetup(ctx context.Context, run *process.Run, flags federation.SetupFlags, registry string) error {
	t, err := flags.Target(registry)
	if err == nil {
		err = flags.CheckNew()
	}
	var grants []quay.Grant
	if err == nil {
		grants, err = flags.ParseGrants(t.Robot)
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags.APIFlags, t, func(ctx context.Context, api *quay.API) error {
		entry, err := federation.ResolveEntry(ctx, run, flags.EditFlags, t)
		if err != nil {
			return err
		}
		entry.WarnOfAssumption(run.Platform)
		entry.WarnOfFleeting(run.Platform)
		s := &federation.SetupPlan{Run: run, API: api, Account: api.Account(t.Robot), Target: t, Flags: flags, Entry: entry}
		if err := s.Plan(ctx, grants); err != nil {
			return err
		}
		if flags.DryRun {
			return s.Print()
		}
		if err := s.Do(ctx); err != nil {
			return err
		}
		return federation.PrintJob(run, flags, t, entry, grants)
	})
}
