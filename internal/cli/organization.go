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

// auditCommand shows who can do what in an organization, from which job.
func auditCommand(run *process.Run) *cobra.Command {
	var flags auditFlags
	command := atRegistry(run, &cobra.Command{
		Use:   "audit [REGISTRY] --org ORG",
		Short: "Show which jobs may pull and push in an organization",
		Long: `Show the robots of an organization or user, their permissions and federation
entries, and what is wrong with them. It changes nothing and reads no password.
It needs a token for Quay's API, in ` + request.APITokenVariable + ` or --api-token-file, with the
scopes org:admin and repo:admin. If the token does not show a part, audit says
which one and exits with 4.`,
		Example: `  quay-keyless audit quay.example.com --org acme
  quay-keyless audit quay.example.com --org acme --output yaml`,
	}, func(ctx context.Context, registry string) error { return runAudit(ctx, run, flags, registry) })
	f := command.Flags()
	flags.AddTokenTo(f)
	flags.AddTransportTo(f)
	f.StringVar(&flags.name, "org", "", "show the organization or user `ORG`")
	request.AddOutput(f, &flags.output, "text", "json", "yaml")
	f.BoolVar(&flags.exitCode, "exit-code", false, "exit with 6 if there are findings")
	return command
}

type auditFlags struct {
	request.APIFlags
	name, output string
	exitCode     bool
}

func runAudit(ctx context.Context, run *process.Run, flags auditFlags, registry string) error {
	t, err := flags.OrganizationTarget(registry, flags.name)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags.APIFlags, t, func(ctx context.Context, api *quay.API) error {
		survey, err := organization.Read(ctx, api, t.Registry.Host, t.Robot.Namespace, run.Env.Clock.Now(), organization.Want{})
		if err != nil {
			return &federation.RefusedAPI{Target: t, Scopes: federation.ScopeOrganization, All: organization.AuditScopes, Err: err}
		}
		err = show(run, survey, organization.Outputs[flags.output])
		if err == nil {
			err = survey.Incomplete(t)
		}
		counts := func(f organization.Finding) bool { return !f.Note }
		if err == nil && flags.exitCode && slices.ContainsFunc(survey.Findings(), counts) {
			err = errFound
		}
		return err
	})
}

// setupCommand is everything that Quay must have before a job can log in.
func setupCommand(run *process.Run) *cobra.Command {
	var flags organization.SetupFlags
	command := atRegistry(run, &cobra.Command{
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
	}, func(ctx context.Context, registry string) error {
		if flags.File != "" {
			return runSetupFile(ctx, run, flags, registry)
		}
		return runSetup(ctx, run, flags, registry)
	})
	f := command.Flags()
	flags.AddTo(f)
	f.StringVarP(&flags.File, "file", "f", "", "apply the file `PATH` (- for stdin)")
	f.StringArrayVar(&flags.Grants, "grant", nil, "give the robot a role: read, write or admin, as `[ORG/]REPO=ROLE` (repeatable)")
	f.BoolVar(&flags.CreateRepositories, "create-repositories", false, "create missing repositories, as private ones")
	f.BoolVar(&flags.Prune, "prune", false, "remove what the file does not name")
	f.BoolVar(&flags.Yes, "yes", false, "remove without asking")
	f.BoolVar(&flags.ExitCode, "exit-code", false, "with --dry-run, exit with 6 on changes")
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
		file := &organization.File{Organization: t.Robot.Namespace, Robots: []organization.Wanted{robot}}
		return setUp(ctx, &organization.Setup{Run: run, API: api, Target: t, Flags: flags, Entry: &entry, File: file})
	})
}

// runSetupFile reads the file. It sends nothing if something is wrong with it.
func runSetupFile(ctx context.Context, run *process.Run, flags organization.SetupFlags, registry string) error {
	file, err := flags.ReadFile(ctx, run)
	var t request.Target
	if err == nil {
		t, err = flags.OrganizationTarget(registry, file.Organization)
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags.APIFlags, t, func(ctx context.Context, api *quay.API) error {
		return setUp(ctx, &organization.Setup{Run: run, API: api, Target: t, Flags: flags, File: file})
	})
}

// setUp plans, carries the plan out, and prints the lines for the jobs.
func setUp(ctx context.Context, s *organization.Setup) error {
	changes, err := s.Do(ctx)
	switch {
	case err != nil:
		return err
	case s.Flags.DryRun && s.Flags.ExitCode && changes:
		return errFound
	case s.Flags.DryRun:
		return nil
	}
	return s.PrintJobs()
}
