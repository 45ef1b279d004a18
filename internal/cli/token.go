// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/authfile"
)

// token is the command for tools that read no auth file.
func (a *app) token() *cobra.Command {
	var flags tokenFlags
	command := &cobra.Command{
		Use:   "token [REGISTRY[/ORG]] --robot ORG+NAME",
		Short: "Exchange this job's ID token and print the robot token",
		Long: `Exchange this job's ID token for a robot token and print it: as text, as JSON, or
as a Kubernetes pull secret for "kubectl apply -f -".` + variables,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return a.runToken(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.mintFlags.addTo(command.Flags())
	command.Flags().StringVar(&flags.output, "output", "text", "text, json or kubernetes-secret")
	command.Flags().StringVar(&flags.outputFile, "output-file", "", "write to the file at `PATH` (mode 0600) instead of standard output")
	return command
}

type tokenFlags struct {
	mintFlags
	output, outputFile string
}

// runToken gets a robot token and gives it out in the form that was asked for.
func (a *app) runToken(ctx context.Context, flags tokenFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err == nil && len(targets) > 1 {
		err = fmt.Errorf("one robot at a time, not %d", len(targets))
	}
	if err != nil {
		return &usageError{err: err}
	}
	encode, ok := tokenFormats[flags.output]
	if !ok {
		return &usageError{err: fmt.Errorf("output %q: it is text, json or kubernetes-secret", flags.output)}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	output, err := a.newTokenOutput(flags.outputFile)
	if err != nil {
		return err
	}
	defer output.discard()
	logins, err := a.mint(ctx, flags.mintFlags, targets)
	if err != nil {
		return err
	}
	text, err := encode(logins[0])
	if err != nil {
		return err
	}
	return output.write(text)
}

// tokenFormats are the formats of a robot token.
var tokenFormats = map[string]func(minted) ([]byte, error){
	"text":              tokenText,
	"json":              tokenJSON,
	"kubernetes-secret": tokenSecret,
}

func tokenText(m minted) ([]byte, error) {
	return []byte(m.token.Reveal() + "\n"), nil
}

func tokenJSON(m minted) ([]byte, error) {
	return indented(map[string]string{
		"registry":   m.registry.Key(),
		"username":   m.robot.String(),
		"token":      m.token.Reveal(),
		"expires_at": m.expiresAt.UTC().Format(time.RFC3339),
	})
}

// tokenSecret is a Secret of type kubernetes.io/dockerconfigjson, named as
// Quay's own UI names the pull secret of a robot.
func tokenSecret(m minted) ([]byte, error) {
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		m.registry.Key(): map[string]string{"auth": authfile.Credential(m.robot.String(), m.token).Reveal()},
	}})
	if err != nil {
		return nil, err
	}
	name := strings.NewReplacer("+", "-", "_", "-").Replace(m.robot.String()) + "-pull-secret"
	return indented(map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": name},
		"type":       "kubernetes.io/dockerconfigjson",
		"stringData": map[string]string{".dockerconfigjson": string(config)},
	})
}

// indented is JSON for people too; kubectl reads it as it reads YAML.
func indented(value any) ([]byte, error) {
	text, err := json.MarshalIndent(value, "", "  ")
	return append(harmlessJSON(text), '\n'), err
}
