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
	request.ExchangeFlags
	login.PlaceFlags
	NodeFlags
	Output string
}

// check finds wrong usage.
func (f *Flags) check(targets []request.Target) error {
	switch {
	case len(targets) > 1:
		return fmt.Errorf("one robot at a time, not %d", len(targets))
	}
	if err := f.NodeFlags.check(); err != nil {
		return err
	}
	return f.PlaceFlags.Check()
}

// Examine checks the links in turn, prints each result, and returns the first one's
// error.
func Examine(ctx context.Context, run *process.Run, flags Flags, registry string) error {
	targets, err := flags.Targets(registry)
	if err == nil {
		err = flags.check(targets)
	}
	if err != nil {
		return &request.UsageError{Err: err}
	}
	ctx, end := flags.Begin(ctx, run)
	defer end()
	chain, err := newChain(ctx, run, flags, targets[0])
	if err != nil {
		return err
	}
	report := &report{json: flags.Output == "json", secrets: run.Secrets, out: run.Env.Stdout}
	links := chain.links
	if flags.Node {
		links = chain.nodeLinks
	}
	for _, link := range links() {
		report.add(chain.examine(ctx, link, report))
		if interrupted := (*process.Interrupted)(nil); errors.As(context.Cause(ctx), &interrupted) {
			return interrupted
		}
	}
	run.Platform.Summarize(report.table(targets[0]))
	if err := report.end(); err != nil {
		return err
	}
	return report.failure()
}

// link is one thing that a login needs.
type link struct {
	name  string
	needs []string // links that must be ok before this one can be checked
	// run checks the link and says what it found.
	run func(context.Context) (string, error)
}

// outcome is the result of one link.
type outcome struct {
	name     string
	result   result
	found    string // what it is, what is wrong, or why it was skipped
	took     time.Duration
	warnings []platform.Message
	failure  platform.Message // of a failed link
	details  []string         // one line each
	err      error
}

// result is a link's result.
type result string

const (
	linkOK      result = "ok"
	linkWarning result = "warning"
	linkFailed  result = "failed"
	linkSkipped result = "skipped"
)

// skipped is the error of a link that is not worth checking.
type skipped struct{ why string }

// Error is the text.
func (s *skipped) Error() string { return s.why }

// examine checks one link, unless a link that it needs is missing.
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
		o.failure, o.err = explain.Message(c.run, err), err
		o.failure.More = nil // the user is running doctor
		o.result, o.found = linkFailed, o.failure.Text
		if o.failure.Said != "" {
			o.found += ": " + o.failure.Said
		}
	case len(o.warnings) > 0:
		o.result = linkWarning
	}
	return o
}

// chain is what the links share. They fill it from first to last.
type chain struct {
	run     *process.Run // its platform is words
	words   *collector
	details []string
	flags   Flags
	target  request.Target
	visit   *login.Site
	seen    *observer
	// verified is the transport for everything but the registry.
	verified http.RoundTripper
	token    login.RobotToken
	// verifiedKey: the issuer's key was found from here, and fits the ID token.
	verifiedKey bool
}

// newChain contacts nothing. The error is one of usage.
func newChain(ctx context.Context, run *process.Run, flags Flags, t request.Target) (*chain, error) {
	c := &chain{words: &collector{Platform: run.Platform}, flags: flags, target: t, seen: &observer{}}
	quiet := *run
	quiet.Platform = c.words
	transport := run.Env.Transport
	quiet.Env.Transport = func(config *tls.Config) http.RoundTripper { return c.seen.over(transport(config)) }
	c.run = &quiet
	verified, registry, err := login.Transports(ctx, &quiet, flags.IdentityFlags, flags.TLSVerify)
	if err != nil {
		return nil, err
	}
	c.verified = verified
	c.visit = login.NewSite(&quiet, flags.ExchangeFlags, t, registry)
	return c, nil
}

// collector keeps the warnings of the current link and says everything else at once.
type collector struct {
	platform.Platform
	warnings []platform.Message
}

// Warn keeps the warning.
func (c *collector) Warn(m platform.Message) { c.warnings = append(c.warnings, m) }
