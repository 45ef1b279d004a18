// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"quay-keyless/internal/quay"
)

// federation is the command for the list of ID tokens that a robot trusts.
func (a *app) federation() *cobra.Command {
	command := &cobra.Command{
		Use:   "federation",
		Short: "List, add and remove a robot's federation entries in Quay",
		Long: `List, add and remove the federation entries of a robot account: the issuers and
subjects of the ID tokens that Quay exchanges for it. This is for people who
administer the organization, with a token for Quay's API in ` + apiTokenVariable + `
or --api-token-file; a job's login needs neither.` + variables,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return &usageError{err: fmt.Errorf("list, add or remove?")}
		},
	}
	command.AddCommand(a.federationList(), a.federationAdd(), a.federationRemove())
	return command
}

// federationList prints what Quay has stored.
func (a *app) federationList() *cobra.Command {
	var flags apiFlags
	var output string
	command := &cobra.Command{
		Use:     "list [REGISTRY] --robot ORG+NAME",
		Short:   "Print the federation entries that Quay has stored for a robot",
		Long:    "Print the federation entries that Quay has stored for a robot." + variables,
		Example: `  quay-keyless federation list quay.example.com --robot acme+ci --output json`,
		Args:    oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return a.runFederationList(command.Context(), flags, output, a.registryArgument(args))
		},
	}
	flags.addTo(command.Flags())
	flags.addTransportTo(command.Flags())
	command.Flags().StringVar(&output, "output", "text", "text, or json: the entries as Quay has them, unknown fields too")
	return command
}

func (a *app) runFederationList(ctx context.Context, flags apiFlags, output, registry string) error {
	t, err := flags.target(registry)
	if err != nil {
		return &usageError{err: err}
	}
	encode, ok := federationOutputs[output]
	if !ok {
		return &usageError{err: fmt.Errorf("output %q: it is text or json", output)}
	}
	return a.managing(ctx, flags, t, func(ctx context.Context, api *quay.API) error {
		entries, err := api.Account(t.robot).Federation(ctx)
		if err != nil {
			return &refusedAPI{target: t, scopes: scopeOrganization, err: err}
		}
		if len(entries) == 0 {
			a.host.Notice(fmt.Sprintf("%s has no federation entry at %s", t.robot, t.registry.Host))
		}
		text, err := encode(a, entries)
		if err != nil {
			return err
		}
		_, err = a.env.Stdout.Write(text)
		return err
	})
}

var federationOutputs = map[string]func(*app, quay.Entries) ([]byte, error){
	"text": (*app).federationText,
	"json": (*app).federationJSON,
}

// federationJSON is the list as Quay has it, indented.
func (a *app) federationJSON(entries quay.Entries) ([]byte, error) {
	var plain, out bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(entries)
	if err == nil {
		err = json.Indent(&out, plain.Bytes(), "", "  ")
	}
	return withoutSecrets(out.Bytes(), a.secrets), err
}

// federationText is a table for people.
func (a *app) federationText(entries quay.Entries) ([]byte, error) {
	var out bytes.Buffer
	if len(entries) == 0 {
		return nil, nil
	}
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ISSUER\tSUBJECT\tAUDIENCES")
	for _, entry := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\n", a.secrets.Line(unhidden(entry.Issuer)), a.secrets.Line(unhidden(entry.Subject)), a.secrets.Line(audiencesOf(entry)))
	}
	err := table.Flush()
	return out.Bytes(), err
}

// audiencesOf says which audiences an entry takes.
func audiencesOf(entry quay.Entry) string {
	switch {
	case !entry.Restricted():
		return "any"
	case entry.Audiences == nil:
		return compact(entry.Fields()["audiences"]) + " (broken)"
	}
	return strings.Join(entry.Audiences, ", ")
}

func compact(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return string(raw)
	}
	return out.String()
}
