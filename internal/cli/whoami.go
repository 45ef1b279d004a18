// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// whoami is the command that comes before everything else: what to enter in Quay.
func (a *app) whoami() *cobra.Command {
	var flags whoamiFlags
	command := &cobra.Command{
		Use:   "whoami [REGISTRY] [--robot ORG+NAME]",
		Short: "Show the identity this job has, and what to enter in Quay",
		Long: `Show what this job's ID token says of the job, and the federation entry that
would let it in at Quay. Quay is not asked.` + variables,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return a.runWhoami(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.addTo(command.Flags())
	command.Flags().StringArrayVar(&flags.robots, "robot", nil, "robot account that is to get the entry, `[HOST/]ORG+NAME` (repeatable)")
	command.Flags().StringVar(&flags.output, "output", "text", "text or json")
	return command
}

type whoamiFlags struct {
	identityFlags
	robots []string
	output string
}

// runWhoami gets the ID token and shows what it says.
func (a *app) runWhoami(ctx context.Context, flags whoamiFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err != nil {
		return &usageError{err: err}
	}
	show, ok := whoamiOutputs[flags.output]
	if !ok {
		return &usageError{err: fmt.Errorf("output %q: it is text or json", flags.output)}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	audience := targets[0].audience
	source, token, err := a.identify(ctx, flags.identityFlags, audience)
	if err != nil {
		return err
	}
	return show(a, me{source: source.Name(), claims: token.Claims, asked: audience, size: len(token.Reveal()), now: a.env.Clock.Now()}, targets)
}

// targets are the robots that the user named, or one without a name.
func (f *whoamiFlags) targets(registry string) ([]target, error) {
	if len(f.robots) > 0 {
		return (&mintFlags{identityFlags: f.identityFlags, robots: f.robots}).targets(registry)
	}
	parsed, err := quay.ParseRegistry(registry)
	if err != nil {
		return nil, err
	}
	targets := []target{{registry: parsed, reach: f.reach()}}
	if err := f.assignAudiences(targets); err != nil {
		return nil, err
	}
	return targets, f.checkRest()
}

// me is who this job is.
type me struct {
	source string
	claims idtoken.Claims
	// asked is the audience that was asked for, size the token's length, now the
	// time here.
	asked string
	size  int
	now   time.Time
}

// whoamiOutputs are the forms that an identity can be printed in.
var whoamiOutputs = map[string]func(*app, me, []target) error{
	"text": (*app).whoamiText,
	"json": (*app).whoamiJSON,
}

func (a *app) whoamiText(me me, targets []target) error {
	for _, doubt := range me.doubts() {
		a.host.Warn(doubt)
	}
	var text strings.Builder
	line := func(label, value string) { fmt.Fprintf(&text, "%-11s%s\n", label, a.secrets.Line(value)) }
	line("source", me.source)
	line("issuer", orNone(me.claims.Issuer))
	line("subject", orNone(me.claims.Subject))
	line("audience", orNone(strings.Join(me.claims.Audience, ", ")))
	line("expires", me.expires())
	line("signed", fmt.Sprintf("%s with the key %s", orNone(me.claims.Algorithm), orNone(me.claims.KeyID)))
	for _, t := range traitsOf(me.claims) {
		if t.harmless {
			line("note", t.text(me.claims))
		}
	}
	if !me.hopeless() {
		a.entryText(&text, me, targets)
	}
	_, err := fmt.Fprint(a.env.Stdout, text.String())
	return err
}

// entryText is the federation entry, for each robot that was named.
func (a *app) entryText(text *strings.Builder, m me, targets []target) {
	var names, commands []string
	for _, t := range targets {
		names = append(names, t.robotName())
		commands = append(commands, "  "+a.secrets.Whole(t.addCommand(m.claims)))
	}
	fmt.Fprintf(text, "\nin Quay, at the robot account %s, choose Set robot federation and add\n", strings.Join(names, " and "))
	fmt.Fprintf(text, "  Issuer URL  %s\n", a.secrets.Whole(m.claims.Issuer))
	fmt.Fprintf(text, "  Subject     %s\n", a.secrets.Whole(m.claims.Subject))
	fmt.Fprintf(text, "or, with a token for Quay's API in QUAY_API_TOKEN:\n%s\n", strings.Join(commands, "\n"))
}

func (a *app) whoamiJSON(me me, _ []target) error {
	warnings := []string{}
	for _, doubt := range me.doubts() {
		warnings = append(warnings, doubt.Text)
	}
	audience := me.claims.Audience
	if audience == nil {
		audience = []string{}
	}
	expires := ""
	if !me.claims.Expiry.IsZero() {
		expires = me.claims.Expiry.UTC().Format(time.RFC3339)
	}
	text, err := indented(struct {
		Source    string   `json:"source"`
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audience  []string `json:"audience"`
		ExpiresAt string   `json:"expires_at"`
		Algorithm string   `json:"algorithm"`
		KeyID     string   `json:"key_id"`
		Warnings  []string `json:"warnings"`
	}{me.source, me.claims.Issuer, me.claims.Subject, audience, expires, me.claims.Algorithm, me.claims.KeyID, warnings})
	if err != nil {
		return err
	}
	_, err = a.env.Stdout.Write(withoutSecrets(text, a.secrets))
	return err
}
