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
	command := atRegistry(run, &cobra.Command{
		Use:   "token [REGISTRY[/ORG]] --robot ORG+NAME",
		Short: "Exchange this job's ID token and print the robot token",
		Long: `Exchange this job's ID token for a robot token and print it, for tools that do
not read auth files: as text, as JSON, as a Kubernetes pull secret or an Argo CD
repository for "kubectl apply -f -", or as host rules for Renovate.`,
	}, func(ctx context.Context, registry string) error { return runToken(ctx, run, flags, registry) })
	flags.ExchangeFlags.AddTo(command.Flags())
	request.AddOutput(command.Flags(), &flags.output, "text", "json", "kubernetes-secret", "argocd", "renovate")
	command.Flags().StringVar(&flags.outputFile, "output-file", "", "write to the file `PATH` (mode 0600), not to stdout")
	return command
}

type tokenFlags struct {
	request.ExchangeFlags
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
	ctx, end := flags.Begin(ctx, run)
	defer end()
	output, err := newTokenOutput(run, flags.outputFile)
	if err != nil {
		return err
	}
	defer output.discard()
	tokens, err := login.RobotTokens(ctx, run, flags.ExchangeFlags, targets)
	if err != nil {
		addRobots(ctx, run, flags.ExchangeFlags, err)
		return err
	}
	text := []byte(tokens[0].Token.Reveal() + "\n")
	if flags.output != "text" {
		text, err = platform.Indented(tokenAs(flags.output, tokens[0]))
	}
	if err != nil {
		return err
	}
	return output.write(text)
}

// tokenAs is a robot token as a tool wants it in JSON.
func tokenAs(output string, t login.RobotToken) any {
	robot, token := t.Robot.String(), t.Token.Reveal()
	name := strings.NewReplacer("+", "-", "_", "-").Replace(robot)
	switch output {
	case "kubernetes-secret": // with the name that Quay's UI gives a robot's
		return secret(name+"-pull-secret", nil, "kubernetes.io/dockerconfigjson", map[string]string{".dockerconfigjson": dockerConfig(t)})
	case "argocd": // a repository of Helm charts. Argo CD compares its URL with that of an Application, which has no scheme
		return secret(name+"-argocd", map[string]string{"argocd.argoproj.io/secret-type": "repository"}, "", map[string]string{
			"type": "helm", "enableOCI": "true",
			"name": t.Robot.Namespace, "url": t.Registry.Host + "/" + t.Robot.Namespace,
			"username": robot, "password": token,
		})
	case "renovate": // for RENOVATE_HOST_RULES. A host matches whatever its port, so one with a port becomes a URL
		host := t.Registry.Host
		switch {
		case t.Registry.PlainHTTP:
			host = "http://" + host + "/"
		case strings.Contains(host, ":"):
			host = "https://" + host + "/"
		}
		return []map[string]string{{"hostType": "docker", "matchHost": host, "username": robot, "password": token}}
	}
	return map[string]string{
		"registry": t.Registry.Key(), "username": robot, "token": token, "expires_at": t.ExpiresAt.UTC().Format(time.RFC3339),
	}
}

// secret is a Kubernetes Secret.
func secret(name string, labels map[string]string, kind string, data map[string]string) any {
	type metadata struct {
		Labels map[string]string `json:"labels,omitempty"`
		Name   string            `json:"name"`
	}
	return struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   metadata          `json:"metadata"`
		Data       map[string]string `json:"stringData"`
		Type       string            `json:"type,omitempty"`
	}{"v1", "Secret", metadata{labels, name}, data, kind}
}

// dockerConfig is a config.json with this login only.
func dockerConfig(t login.RobotToken) string {
	auth := map[string]string{"auth": authfile.Credential(t.Robot.String(), t.Token).Reveal()}
	text, _ := json.Marshal(map[string]any{"auths": map[string]any{t.Registry.Key(): auth}}) // of texts
	return string(text)
}
