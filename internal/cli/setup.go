// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/organization"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// setupCommand is everything that Quay must have before a job can log in.
func setupCommand(run *process.Run) *cobra.Command {
	var flags organization.SetupFlags
	command := &cobra.Command{
		Use:   "setup [REGISTRY] --robot ORG+NAME --grant REPO=read|write|admin ... --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT | -f FILE",
		Short: "Make robots, permissions and federation entries in Quay",
		Long: `Make in Quay what a job's login needs and is missing: the robot account,
its permissions and the federation entry; then print the lines for the job. Run
again, it changes nothing. It needs a token for Quay's API, in ` + request.APITokenVariable + `
or --api-token-file, with the scopes org:admin, repo:admin and, with
--create-repositories, repo:create.

With -f it makes all robots of an organization as a file says, which audit
--output yaml writes.`,
		Example: `  quay-keyless setup --robot acme+ci --grant app=write --from-token
  quay-keyless setup quay.example.com -f acme.yaml --prune --dry-run --exit-code`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			if flags.File != "" {
				return runSetupFile(command.Context(), run, flags, request.RegistryArgument(run, args))
			}
			return runSetup(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	command.Flags().StringVarP(&flags.File, "file", "f", "", "make what the file `PATH` says (- for stdin)")
	command.Flags().StringArrayVar(&flags.Grants, "grant", nil, "give the robot a role: read, write or admin, as `[ORG/]REPO=ROLE` (repeatable)")
	command.Flags().BoolVar(&flags.CreateRepositories, "create-repositories", false, "create missing repositories, as private ones")
	command.Flags().BoolVar(&flags.Prune, "prune", false, "remove what the file does not name")
	command.Flags().BoolVar(&flags.Yes, "yes", false, "remove without asking")
	command.Flags().BoolVar(&flags.ExitCode, "exit-code", false, "with --dry-run, exit with 6 on changes")
	return command
}

// runSetup makes a file of the flags, with one robot.
func runSetup(ctx context.Context, run *process.Run, flags organization.SetupFlags, registry string) error {
	t, err := flags.Target(registry)
	if err == nil {
		err = flags.Check()
	}
	var grants []quay.Grant
	if err == nil {
		grants, err = flags.ParseGrants(t.Robot)
	}
	if err == nil && flags.Prune {
		err = errors.New("--prune needs a file with all robots: -f FILE")
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
		entry.WarnOfRisks(run.Platform, t, slices.ContainsFunc(grants, func(g quay.Grant) bool { return g.Role != "read" }))
		robot := organization.Wanted{Robot: t.Robot, Description: "CI jobs, by quay-keyless", Grants: grants, Entries: quay.Entries{entry.Entry()}}
		s := &organization.Setup{
			Run: run, API: api, Target: t, Flags: flags, Entry: &entry,
			File: &organization.File{Organization: t.Robot.Namespace, Robots: []organization.Wanted{robot}},
		}
		return setUp(ctx, s)
	})
}

// runSetupFile reads the file. It sends nothing if something is wrong with it.
func runSetupFile(ctx context.Context, run *process.Run, flags organization.SetupFlags, registry string) error {
	file, err := flags.ReadFile(ctx, run)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	t, err := flags.OrganizationTarget(registry, file.Organization)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags.APIFlags, t, func(ctx context.Context, api *quay.API) error {
		return setUp(ctx, &organization.Setup{Run: run, API: api, Target: t, Flags: flags, File: file})
	})
}

// setUp plans, does it, and prints the lines for the jobs.
func setUp(ctx context.Context, s *organization.Setup) error {
	changes, err := s.Do(ctx)
	switch {
	case err != nil:
		return err
	case s.Flags.DryRun && s.Flags.ExitCode && changes:
		return found{}
	case s.Flags.DryRun:
		return nil
	}
	return s.PrintJobs()
}
