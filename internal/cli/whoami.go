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
	var flags request.IdentityFlags
	var robots []string
	var output string
	command := atRegistry(run, &cobra.Command{
		Use:   "whoami [REGISTRY] [--robot ORG+NAME]",
		Short: "Show the identity this job has, and what to enter in Quay",
		Long: `Show what this job's ID token says of the job, and the federation entry that
would let it in at Quay. whoami does not contact Quay.`,
	}, func(ctx context.Context, registry string) error {
		targets, err := whoamiTargets(flags, robots, registry)
		if err != nil {
			return &request.UsageError{Err: err}
		}
		ctx, end := flags.Begin(ctx, run)
		defer end()
		audience := targets[0].Audience
		source, token, err := login.Identify(ctx, run, flags, audience)
		if err != nil {
			return err
		}
		me := explain.Identity{Source: source.Name, Claims: token.Claims, Registry: targets[0].Registry.Host, Asked: audience, Size: len(token.Reveal()), Now: run.Env.Clock.Now()}
		if output == "json" {
			return show(run, me, whoamiJSON)
		}
		for _, doubt := range me.Doubts() {
			run.Platform.Warn(doubt)
		}
		_, err = fmt.Fprint(run.Env.Stdout, whoamiText(run, me)+entryText(run, me, targets))
		return err
	})
	flags.AddTo(command.Flags())
	command.Flags().StringArrayVar(&robots, "robot", nil, "show the entry for `[HOST/]ORG+NAME` (repeatable)")
	request.AddOutput(command.Flags(), &output, "text", "json")
	return command
}

// whoamiTargets are the robots that the user named, or one without a name.
func whoamiTargets(flags request.IdentityFlags, robots []string, registry string) ([]request.Target, error) {
	if len(robots) > 0 {
		return (&request.ExchangeFlags{IdentityFlags: flags, Robots: robots}).Targets(registry)
	}
	parsed, err := quay.ParseRegistry(registry)
	targets := []request.Target{{Registry: parsed, Reach: flags.Reach()}}
	if err == nil {
		err = flags.AssignAudiences(targets)
	}
	return targets, err
}

// whoamiText is what the ID token says.
func whoamiText(run *process.Run, me explain.Identity) string {
	lines := [][2]string{
		{"source", me.Source},
		{"issuer", platform.OrNone(me.Claims.Issuer)},
		{"subject", platform.OrNone(me.Claims.Subject)},
		{"audience", platform.OrNone(strings.Join(me.Claims.Audience, ", "))},
		{"expires", me.Expires()},
		{"signed", fmt.Sprintf("%s with the key %s", platform.OrNone(me.Claims.Algorithm), platform.OrNone(me.Claims.KeyID))},
	}
	for _, t := range explain.TraitsOf(me.Claims, me.Registry) {
		if t.Harmless {
			lines = append(lines, [2]string{"note", t.Text(me.Claims)})
		}
	}
	var text strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&text, "%-11s%s\n", line[0], run.Secrets.Line(line[1]))
	}
	return text.String()
}

// entryText is the federation entry, for each robot that was named; "" if none can help.
func entryText(run *process.Run, me explain.Identity, targets []request.Target) string {
	if me.Hopeless() {
		return ""
	}
	var names, commands []string
	for _, t := range targets {
		names = append(names, explain.RobotName(t))
		commands = append(commands, "  "+run.Secrets.Whole(explain.AddCommand(t, me.Claims)))
	}
	return fmt.Sprintf(`
in Quay, at the robot account %s, choose Set robot federation and add
  Issuer URL  %s
  Subject     %s
or, with a token for Quay's API in QUAY_API_TOKEN:
%s
`, strings.Join(names, " and "), run.Secrets.Whole(me.Claims.Issuer), run.Secrets.Whole(me.Claims.Subject), strings.Join(commands, "\n"))
}

// whoamiJSON has no null.
func whoamiJSON(run *process.Run, me explain.Identity) ([]byte, error) {
	warnings, expires := []string{}, ""
	for _, doubt := range me.Doubts() {
		warnings = append(warnings, doubt.Text)
	}
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
	}{me.Source, me.Claims.Issuer, me.Claims.Subject, append([]string{}, me.Claims.Audience...), expires, me.Claims.Algorithm, me.Claims.KeyID, warnings})
	return platform.WithoutSecrets(text, run.Secrets), err
}
