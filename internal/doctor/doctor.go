// SPDX-License-Identifier: Apache-2.0

// Package doctor checks every link from a job to a login, one by one, and changes nothing.
package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"quay-keyless/internal/explain"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// Flags are the flags of doctor.
type Flags struct {
	request.MintFlags
	login.PlaceFlags
	Output string
}

// check finds what makes no sense before anything is looked at.
func (f *Flags) check(targets []request.Target) error {
	switch {
	case len(targets) > 1:
		return fmt.Errorf("one robot at a time, not %d", len(targets))
	case f.Output != "text" && f.Output != "json":
		return fmt.Errorf("output %q: it is text or json", f.Output)
	}
	return f.PlaceFlags.Check()
}

// Examine looks at the links in turn, tells what each is like, and ends with
// the first one's error.
func Examine(ctx context.Context, run *process.Run, flags Flags, registry string) error {
	targets, err := flags.Targets(registry)
	if err == nil {
		err = flags.check(targets)
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, stop := run.Env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.Deadline(ctx)
	defer cancel()
	chain, err := newChain(ctx, run, flags, targets[0])
	if err != nil {
		return err
	}
	report := &report{json: flags.Output == "json", secrets: run.Secrets, out: run.Env.Stdout}
	for _, link := range chain.links() {
		report.add(chain.examine(ctx, link, report))
		if interrupted := (*process.Interrupted)(nil); errors.As(context.Cause(ctx), &interrupted) {
			return interrupted
		}
	}
	if summarizer, ok := run.Platform.(platform.Summarizer); ok {
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
	warnings []platform.Message
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

// Error is the text.
func (s *skipped) Error() string { return s.why }

// examine looks at one link, unless one that it needs is not there.
func (c *chain) examine(ctx context.Context, l link, before *report) outcome {
	for _, need := range l.needs {
		if lacking := before.lacking(need); lacking != "" {
			return outcome{name: l.name, result: linkSkipped, found: "because " + lacking}
		}
	}
	c.words.warnings, c.details = nil, nil
	start := c.run.Env.Clock.Now()
	found, err := l.run(ctx)
	o := outcome{
		name: l.name, result: linkOK, found: found, took: c.run.Env.Clock.Now().Sub(start),
		warnings: slices.Clone(c.words.warnings), details: c.details,
	}
	var skip *skipped
	switch {
	case errors.As(err, &skip):
		o.result, o.found = linkSkipped, "because "+skip.why
	case err != nil:
		message := explain.Message(err)
		line := explain.DoctorLine(c.target) // which is what runs
		o.hints = slices.DeleteFunc(message.Hints, func(hint string) bool { return hint == line })
		o.result, o.found, o.err = linkFailed, message.Text, err
	case len(o.warnings) > 0:
		o.result = linkWarning
	}
	return o
}

// chain is what the links look at. It is filled as they go.
type chain struct {
	run     *process.Run // whose words are those of the link under way
	words   *collector
	details []string
	flags   Flags
	target  request.Target
	visit   login.Visit
	seen    *observer
	// verified asks what is not the registry.
	verified http.RoundTripper
	minted   login.Minted
}

// newChain prepares what needs no asking. The error is one of usage.
func newChain(ctx context.Context, run *process.Run, flags Flags, t request.Target) (*chain, error) {
	c := &chain{words: &collector{Platform: run.Platform}, flags: flags, target: t, seen: &observer{}}
	quiet := *run
	quiet.Platform = c.words
	transport := run.Env.Transport
	quiet.Env.Transport = func(config *tls.Config) http.RoundTripper { return c.seen.over(transport(config)) }
	c.run = &quiet
	verified, registry, err := login.Transports(ctx, &quiet, flags.MintFlags)
	if err != nil {
		return nil, err
	}
	c.verified = verified
	c.visit.Site = login.NewSite(&quiet, flags.MintFlags, t, registry)
	return c, nil
}

// collector keeps the warnings of the link under way. Whatever else is said is
// said at once.
type collector struct {
	platform.Platform
	warnings []platform.Message
}

// Warn keeps the warning.
func (c *collector) Warn(m platform.Message) { c.warnings = append(c.warnings, m) }
