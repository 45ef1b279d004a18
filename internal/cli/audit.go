// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
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
	var flags request.APIFlags
	var name, output string
	var findings bool
	command := &cobra.Command{
		Use:   "audit [REGISTRY] --org ORG",
		Short: "Show which jobs may pull and push in an organization",
		Long: `Show the robots of an organization or user, their permissions and federation
entries, and what is wrong with them. It changes nothing and reads no password.
It needs a token for Quay's API, in ` + request.APITokenVariable + ` or --api-token-file, with the
scopes org:admin and repo:admin. If the token does not show a part, audit says
which one and exits with 4.`,
		Example: `  quay-keyless audit quay.example.com --org acme
  quay-keyless audit quay.example.com --org acme --output yaml`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runAudit(command.Context(), run, flags, request.RegistryArgument(run, args), name, output, findings)
		},
	}
	flags.AddTokenTo(command.Flags())
	flags.AddTransportTo(command.Flags())
	command.Flags().StringVar(&name, "org", "", "show the organization or user `ORG`")
	request.AddOutput(command.Flags(), &output, "text", "json", "yaml")
	command.Flags().BoolVar(&findings, "exit-code", false, "exit with 6 if there are findings")
	return command
}

func runAudit(ctx context.Context, run *process.Run, flags request.APIFlags, registry, name, output string, findings bool) error {
	t, err := flags.OrganizationTarget(registry, name)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	return federation.WithAPI(ctx, run, flags, t, func(ctx context.Context, api *quay.API) error {
		survey, err := organization.Read(ctx, api, t.Registry.Host, t.Robot.Namespace, run.Env.Clock.Now(), organization.Want{})
		if err != nil {
			return &federation.RefusedAPI{Target: t, Scopes: federation.ScopeOrganization, All: organization.AuditScopes, Err: err}
		}
		text, err := organization.Outputs[output](run, survey)
		if err != nil {
			return err
		}
		if _, err = run.Env.Stdout.Write(text); err != nil {
			return err
		}
		if err := survey.Incomplete(t); err != nil {
			return err
		}
		counts := func(f organization.Finding) bool { return !f.Note }
		if findings && slices.ContainsFunc(survey.Findings(), counts) {
			return found{}
		}
		return nil
	})
}

// found ends a command with exit code 6, after it has said what it found.
type found struct{}

// Error is never shown.
func (found) Error() string { return "found something" }
