// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"quay-keyless/internal/host"
)

// doctor is the command that looks at every link of the chain.
func (a *app) doctor() *cobra.Command {
	var flags doctorFlags
	command := &cobra.Command{
		Use:   "doctor [REGISTRY] --robot ORG+NAME",
		Short: "Check every link of the chain from this job to a login, one by one",
		Long: `Check every link of the chain from this job to a login, one by one, and change
nothing: the ID token, its issuer, the registry, the exchange, the proof, and the
file that a login would be written to. With a token for Quay's API in
QUAY_API_TOKEN the robot's stored federation entries are compared with what this
job shows. The exit code is that of the first link that failed.` + variables,
		Args: oneRegistry,
		RunE: func(command *cobra.Command, args []string) error {
			return a.runDoctor(command.Context(), flags, a.registryArgument(args))
		},
	}
	flags.mintFlags.addTo(command.Flags())
	flags.placeFlags.addTo(command.Flags())
	command.Flags().StringVar(&flags.output, "output", "text", "text or json")
	return command
}

type doctorFlags struct {
	mintFlags
	placeFlags
	output string
}

// check finds what makes no sense before anything is looked at.
func (f *doctorFlags) check(targets []target) error {
	switch {
	case len(targets) > 1:
		return fmt.Errorf("one robot at a time, not %d", len(targets))
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("output %q: it is text or json", f.output)
	}
	return f.placeFlags.check()
}

// runDoctor looks at the links in turn, tells what each is like, and ends with
// the first one's error.
func (a *app) runDoctor(ctx context.Context, flags doctorFlags, registry string) error {
	targets, err := flags.targets(registry)
	if err == nil {
		err = flags.check(targets)
	}
	if err != nil {
		return &usageError{err: err}
	}
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	patient, err := newPatient(ctx, a, flags, targets[0])
	if err != nil {
		return err
	}
	report := &report{json: flags.output == "json", secrets: a.secrets, out: a.env.Stdout}
	for _, link := range patient.links() {
		report.add(patient.examine(ctx, link, report))
		if interrupted := (*Interrupted)(nil); errors.As(context.Cause(ctx), &interrupted) {
			return interrupted
		}
	}
	if summarizer, ok := a.host.(host.Summarizer); ok {
		summarizer.Summarize(report.table(targets[0]))
	}
	if err := report.end(); err != nil {
		return err
	}
	return report.failure()
}

// link is one thing that a login hangs on.
type link struct {
	name  string
	needs []string // links without which there is nothing to look at
	// run looks at the link and says what is there.
	run func(context.Context) (string, error)
}

// outcome is what became of a link.
type outcome struct {
	name     string
	result   result
	found    string // what is there, what is wrong, or why it was skipped
	took     time.Duration
	warnings []host.Message
	hints    []string // of what is wrong
	details  []string // lines of their own
	err      error
}

// result is how a link is.
type result string

const (
	linkOK      result = "ok"
	linkWarning result = "warning"
	linkFailed  result = "failed"
	linkSkipped result = "skipped"
)

// skipped is the error of a link that there is no point in looking at.
type skipped struct{ why string }

func (s *skipped) Error() string { return s.why }

// examine looks at one link, unless one that it needs is not there.
func (p *patient) examine(ctx context.Context, l link, before *report) outcome {
	for _, need := range l.needs {
		if lacking := before.lacking(need); lacking != "" {
			return outcome{name: l.name, result: linkSkipped, found: "because " + lacking}
		}
	}
	p.words.warnings, p.details = nil, nil
	start := p.app.env.Clock.Now()
	found, err := l.run(ctx)
	o := outcome{
		name: l.name, result: linkOK, found: found, took: p.app.env.Clock.Now().Sub(start),
		warnings: slices.Clone(p.words.warnings), details: p.details,
	}
	var skip *skipped
	switch {
	case errors.As(err, &skip):
		o.result, o.found = linkSkipped, "because "+skip.why
	case err != nil:
		message := explain(err)
		line := p.target.doctorLine() // which is what runs
		o.hints = slices.DeleteFunc(message.Hints, func(hint string) bool { return hint == line })
		o.result, o.found, o.err = linkFailed, message.Text, err
	case len(o.warnings) > 0:
		o.result = linkWarning
	}
	return o
}

// patient is what the links look at. It is filled as they go.
type patient struct {
	app     *app // whose words are those of the link under way
	words   *collector
	details []string
	flags   doctorFlags
	target  target
	visit   visit
	seen    *observer
	// verified asks what is not the registry.
	verified http.RoundTripper
	minted   minted
}

// newPatient prepares what needs no asking. The error is one of usage.
func newPatient(ctx context.Context, a *app, flags doctorFlags, t target) (*patient, error) {
	p := &patient{words: &collector{Host: a.host}, flags: flags, target: t, seen: &observer{}}
	quiet := *a
	quiet.host = p.words
	transport := a.env.Transport
	quiet.env.Transport = func(config *tls.Config) http.RoundTripper { return p.seen.over(transport(config)) }
	p.app = &quiet
	verified, registry, err := quiet.transports(ctx, flags.mintFlags)
	if err != nil {
		return nil, err
	}
	p.verified = verified
	p.visit.site = quiet.newSite(flags.mintFlags, t, registry)
	return p, nil
}

// collector keeps the warnings of the link under way. Whatever else is said is
// said at once.
type collector struct {
	host.Host
	warnings []host.Message
}

// Warn keeps the warning.
func (c *collector) Warn(m host.Message) { c.warnings = append(c.warnings, m) }
