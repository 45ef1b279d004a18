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
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// tokenCommand is for tools that do not read auth files.
func tokenCommand(run *process.Run) *cobra.Command {
	var flags tokenFlags
	command := &cobra.Command{
		Use:   "token [REGISTRY[/ORG]] --robot ORG+NAME",
		Short: "Exchange this job's ID token and print the robot token",
		Long: `Exchange this job's ID token for a robot token and print it: as text, as JSON, or
as a Kubernetes pull secret for "kubectl apply -f -".` + variables,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runToken(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.MintFlags.AddTo(command.Flags())
	command.Flags().StringVar(&flags.output, "output", "text", "text, json or kubernetes-secret")
	command.Flags().StringVar(&flags.outputFile, "output-file", "", "write to the file at `PATH` (mode 0600) instead of standard output")
	return command
}

type tokenFlags struct {
	request.MintFlags
	output, outputFile string
}

// runToken gets a robot token and prints it in the chosen form.
func runToken(ctx context.Context, run *process.Run, flags tokenFlags, registry string) error {
	targets, err := flags.Targets(registry)
	if err == nil && len(targets) > 1 {
		err = fmt.Errorf("one robot at a time, not %d", len(targets))
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	encode, ok := tokenFormats[flags.output]
	if !ok {
		return &request.UsageError{Err: fmt.Errorf("output %q: it is text, json or kubernetes-secret", flags.output)}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	output, err := newTokenOutput(run, flags.outputFile)
	if err != nil {
		return err
	}
	defer output.discard()
	logins, err := login.Mint(ctx, run, flags.MintFlags, targets)
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
var tokenFormats = map[string]func(login.Minted) ([]byte, error){
	"text":              tokenText,
	"json":              tokenJSON,
	"kubernetes-secret": tokenSecret,
}

func tokenText(m login.Minted) ([]byte, error) {
	return []byte(m.Token.Reveal() + "\n"), nil
}

func tokenJSON(m login.Minted) ([]byte, error) {
	return platform.Indented(map[string]string{
		"registry":   m.Registry.Key(),
		"username":   m.Robot.String(),
		"token":      m.Token.Reveal(),
		"expires_at": m.ExpiresAt.UTC().Format(time.RFC3339),
	})
}

// tokenSecret is a Secret of type kubernetes.io/dockerconfigjson. Its name is the one
// that Quay's UI gives a robot's pull secret.
func tokenSecret(m login.Minted) ([]byte, error) {
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		m.Registry.Key(): map[string]string{"auth": authfile.Credential(m.Robot.String(), m.Token).Reveal()},
	}})
	if err != nil {
		return nil, err
	}
	name := strings.NewReplacer("+", "-", "_", "-").Replace(m.Robot.String()) + "-pull-secret"
	return platform.Indented(map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": name},
		"type":       "kubernetes.io/dockerconfigjson",
		"stringData": map[string]string{".dockerconfigjson": string(config)},
	})
}
