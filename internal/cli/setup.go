// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quay-keyless/internal/quay"
)

// setup is everything that Quay must have before a job can log in.
func (a *app) setup() *cobra.Command {
	var flags setupFlags
	command := &cobra.Command{
		Use:   "setup [REGISTRY] --robot ORG+NAME --grant REPO=read|write|admin ... --from-token | --github OWNER/REPO ... | --issuer URL --subject SUBJECT",
		Short: "Make the robot, its permissions and its federation entry in Quay",
		Long: `Make in Quay what a job's login needs, as far as it is missing: the robot account,
its permissions and the federation entry; then print the lines for the job. Run
again, it changes nothing. It needs a token for Quay's API, in ` + apiTokenVariable + `
or --api-token-file, with the scopes org:admin, repo:admin and, with
--create-repositories, repo:create.` + variables,
		Example: `  quay-keyless setup --robot acme+ci --grant app=write --github acme/app --ref main
  quay-keyless setup quay.example.com --robot acme+ci --grant app=write --service-account build/pipeline --issuer https://oidc.example.com`,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return a.runSetup(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.addTo(command.Flags())
	command.Flags().StringArrayVar(&flags.grants, "grant", nil, "give the robot a role on a repository, `[ORG/]REPO=read|write|admin` (repeatable)")
	command.Flags().BoolVar(&flags.createRepositories, "create-repositories", false, "make repositories that are missing, as private ones")
	return command
}

type setupFlags struct {
	editFlags
	grants             []string
	createRepositories bool
}

// parseGrants reads --grant, each repository once.
func (f *setupFlags) parseGrants(robot quay.Robot) ([]quay.Grant, error) {
	var grants []quay.Grant
	seen := map[string]bool{}
	for _, text := range f.grants {
		grant, err := quay.ParseGrant(text, robot)
		if err != nil {
			return nil, err
		}
		if seen[grant.Repository] {
			return nil, fmt.Errorf("grant %q: %s is named twice", text, grant.Repository)
		}
		seen[grant.Repository] = true
		grants = append(grants, grant)
	}
	return grants, nil
}

// runSetup plans, says the plan, does it, and prints the lines for the job.
func (a *app) runSetup(ctx context.Context, flags setupFlags, registry string) error {
	t, err := flags.target(registry)
	if err == nil {
		err = flags.checkNew()
	}
	var grants []quay.Grant
	if err == nil {
		grants, err = flags.parseGrants(t.robot)
	}
	if err != nil {
		return &usageError{err: err}
	}
	return a.managing(ctx, flags.apiFlags, t, func(ctx context.Context, api *quay.API) error {
		entry, err := a.wantedEntry(ctx, flags.editFlags, t)
		if err != nil {
			return err
		}
		entry.warnOfAssumption(a.host)
		s := &setupPlan{app: a, api: api, account: api.Account(t.robot), target: t, flags: flags, entry: entry}
		if err := s.plan(ctx, grants); err != nil {
			return err
		}
		if flags.dryRun {
			return s.print()
		}
		if err := s.do(ctx); err != nil {
			return err
		}
		return a.printJob(flags, t, entry, grants)
	})
}

// print is the plan as the result of --dry-run.
func (s *setupPlan) print() error {
	for _, step := range s.steps {
		if _, err := fmt.Fprintln(s.app.env.Stdout, s.app.secrets.Line(step.text)); err != nil {
			return err
		}
	}
	s.app.host.Notice("nothing was sent: --dry-run")
	return nil
}

// do takes the steps that are not done yet, and says each.
func (s *setupPlan) do(ctx context.Context) error {
	s.app.host.Notice(fmt.Sprintf("plan for %s (+ to add, ~ to change, = there already):", s.target.registry.Host))
	todo, there := 0, 0
	for _, step := range s.steps {
		s.app.host.Notice(step.text)
		switch {
		case step.do != nil:
			todo++
		case strings.HasPrefix(step.text, "= "): // others are a part of the step before
			there++
		}
	}
	done := 0
	for _, step := range s.steps {
		if step.do == nil {
			continue
		}
		if err := step.do(ctx); err != nil {
			return s.stopped(err, step, done, todo)
		}
		done++
	}
	if todo == 0 {
		s.app.host.Notice("nothing to change")
	} else {
		s.app.host.Notice(fmt.Sprintf("done: %d changed, %d there already", done, there))
	}
	return nil
}

// stopped says how far the plan came.
func (s *setupPlan) stopped(err error, step setupStep, done, todo int) error {
	s.app.host.Notice(fmt.Sprintf("stopped after %d of %d changes, at: %s; run the same command again to go on", done, todo, step.text))
	var known *refusedAPI
	if errors.As(err, &known) {
		return err
	}
	return s.refused(step.scopes, err)
}
