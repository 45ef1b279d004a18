// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/explain"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// whoamiCommand shows what to enter in Quay.
func whoamiCommand(run *process.Run) *cobra.Command {
	var flags whoamiFlags
	command := &cobra.Command{
		Use:   "whoami [REGISTRY] [--robot ORG+NAME]",
		Short: "Show the identity this job has, and what to enter in Quay",
		Long: `Show what this job's ID token says of the job, and the federation entry that
would let it in at Quay. Quay is not asked.`,
		Args: request.OneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return runWhoami(command.Context(), run, flags, request.RegistryArgument(run, args))
		},
	}
	flags.AddTo(command.Flags())
	command.Flags().StringArrayVar(&flags.robots, "robot", nil, "show the entry for `[HOST/]ORG+NAME` (repeatable)")
	request.AddOutput(command.Flags(), &flags.output, "text", "json")
	return command
}

type whoamiFlags struct {
	request.IdentityFlags
	robots []string
	output string
}

// runWhoami gets the ID token and shows what it says.
func runWhoami(ctx context.Context, run *process.Run, flags whoamiFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	audience := targets[0].Audience
	source, token, err := login.Identify(ctx, run, flags.IdentityFlags, audience)
	if err != nil {
		return err
	}
	return whoamiOutputs[flags.output](run, explain.Identity{Source: source.Name, Claims: token.Claims, Registry: targets[0].Registry.Host, Asked: audience, Size: len(token.Reveal()), Now: run.Env.Clock.Now()}, targets)
}

// targets are the robots that the user named, or one without a name.
func (f *whoamiFlags) targets(registry string) ([]request.Target, error) {
	if len(f.robots) > 0 {
		return (&request.ExchangeFlags{IdentityFlags: f.IdentityFlags, Robots: f.robots}).Targets(registry)
	}
	parsed, err := quay.ParseRegistry(registry)
	if err != nil {
		return nil, err
	}
	targets := []request.Target{{Registry: parsed, Reach: f.Reach()}}
	if err := f.AssignAudiences(targets); err != nil {
		return nil, err
	}
	return targets, nil
}

// whoamiOutputs are the forms that an identity can be printed in.
var whoamiOutputs = map[string]func(*process.Run, explain.Identity, []request.Target) error{
	"text": whoamiText,
	"json": whoamiJSON,
}

func whoamiText(run *process.Run, me explain.Identity, targets []request.Target) error {
	for _, doubt := range me.Doubts() {
		run.Platform.Warn(doubt)
	}
	var text strings.Builder
	line := func(label, value string) { fmt.Fprintf(&text, "%-11s%s\n", label, run.Secrets.Line(value)) }
	line("source", me.Source)
	line("issuer", platform.OrNone(me.Claims.Issuer))
	line("subject", platform.OrNone(me.Claims.Subject))
	line("audience", platform.OrNone(strings.Join(me.Claims.Audience, ", ")))
	line("expires", me.Expires())
	line("signed", fmt.Sprintf("%s with the key %s", platform.OrNone(me.Claims.Algorithm), platform.OrNone(me.Claims.KeyID)))
	for _, t := range explain.TraitsOf(me.Claims, me.Registry) {
		if t.Harmless {
			line("note", t.Text(me.Claims))
		}
	}
	if !me.Hopeless() {
		entryText(run, &text, me, targets)
	}
	_, err := fmt.Fprint(run.Env.Stdout, text.String())
	return err
}

// entryText is the federation entry, for each robot that was named.
func entryText(run *process.Run, text *strings.Builder, m explain.Identity, targets []request.Target) {
	var names, commands []string
	for _, t := range targets {
		names = append(names, explain.RobotName(t))
		commands = append(commands, "  "+run.Secrets.Whole(explain.AddCommand(t, m.Claims)))
	}
	fmt.Fprintf(text, "\nin Quay, at the robot account %s, choose Set robot federation and add\n", strings.Join(names, " and "))
	fmt.Fprintf(text, "  Issuer URL  %s\n", run.Secrets.Whole(m.Claims.Issuer))
	fmt.Fprintf(text, "  Subject     %s\n", run.Secrets.Whole(m.Claims.Subject))
	fmt.Fprintf(text, "or, with a token for Quay's API in QUAY_API_TOKEN:\n%s\n", strings.Join(commands, "\n"))
}

func whoamiJSON(run *process.Run, me explain.Identity, _ []request.Target) error {
	warnings := []string{}
	for _, doubt := range me.Doubts() {
		warnings = append(warnings, doubt.Text)
	}
	audience := me.Claims.Audience
	if audience == nil {
		audience = []string{}
	}
	expires := ""
	if !me.Claims.Expiry.IsZero() {
		expires = me.Claims.Expiry.UTC().Format(time.RFC3339)
	}
	text, err := platform.Indented(struct {
		Source    string   `json:"source"`
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audience  []string `json:"audience"`
		ExpiresAt string   `json:"expires_at"`
		Algorithm string   `json:"algorithm"`
		KeyID     string   `json:"key_id"`
		Warnings  []string `json:"warnings"`
	}{me.Source, me.Claims.Issuer, me.Claims.Subject, audience, expires, me.Claims.Algorithm, me.Claims.KeyID, warnings})
	if err != nil {
		return err
	}
	_, err = run.Env.Stdout.Write(platform.WithoutSecrets(text, run.Secrets))
	return err
}
