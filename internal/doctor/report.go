// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"io"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// report prints the links' results.
type report struct {
	json     bool
	secrets  *platform.Secrets
	out      io.Writer
	outcomes []outcome
	err      error // of writing
}

// add keeps an outcome, and prints it at once unless the output is JSON.
func (r *report) add(o outcome) {
	first := r.failed() == nil && o.result == linkFailed
	r.outcomes = append(r.outcomes, o)
	if r.json {
		return
	}
	took := ""
	if o.result != linkSkipped {
		took = fmt.Sprintf(" (%d ms)", o.took.Milliseconds())
	}
	r.line("%-8s %-11s %s%s", o.result, o.name, r.secrets.Line(o.found), took)
	for _, warning := range o.warnings {
		r.line("         warning: %s", r.secrets.Line(warning.Text))
		r.steps(warning)
	}
	if !first { // the error at the end has those of the first
		r.steps(o.failure)
	}
	for _, detail := range o.details {
		r.line("         %s", r.secrets.Whole(detail))
	}
}

// steps are what to do, below a link.
func (r *report) steps(m platform.Message) {
	for _, line := range m.Lines(r.secrets, "         ") {
		r.line("%s", line)
	}
}

func (r *report) line(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format+"\n", args...); err != nil && r.err == nil {
		r.err = err
	}
}

// lacking says why a link cannot be built on; "" if it can.
func (r *report) lacking(name string) string {
	for _, o := range r.outcomes {
		if o.name == name && o.result == linkFailed {
			return "the link " + name + " failed"
		}
		if o.name == name && o.result == linkSkipped {
			return "the link " + name + " was skipped"
		}
	}
	return ""
}

// failed is the first failed link, or nil.
func (r *report) failed() *outcome {
	for i := range r.outcomes {
		if r.outcomes[i].result == linkFailed {
			return &r.outcomes[i]
		}
	}
	return nil
}

// failure is the command's error.
func (r *report) failure() error {
	if o := r.failed(); o != nil {
		return &brokenLink{*o}
	}
	return nil
}

// brokenLink is the error of the first failed link.
type brokenLink struct{ outcome outcome }

// Error is the text.
func (b *brokenLink) Error() string { return b.outcome.name + ": " + b.outcome.found }

// Unwrap is the cause.
func (b *brokenLink) Unwrap() error { return b.outcome.err }

// Message is the link's.
func (b *brokenLink) Message() platform.Message {
	m := b.outcome.failure
	m.Text = b.outcome.name + ": " + m.Text
	return m
}

// end prints the JSON.
func (r *report) end() error {
	if !r.json {
		return r.err
	}
	links := []any{}
	for _, o := range r.outcomes {
		links = append(links, r.encoded(o))
	}
	text, err := platform.Indented(map[string]any{"ok": r.failed() == nil, "links": links})
	if err != nil {
		return err
	}
	_, err = r.out.Write(text)
	return err
}

// encoded is one link as JSON. Lists are never null.
func (r *report) encoded(o outcome) any {
	warnings, hints, details := []string{}, o.failure.Lines(r.secrets, ""), whole(r.secrets, o.details)
	for _, warning := range o.warnings {
		warnings = append(warnings, r.secrets.Line(warning.Text))
		hints = append(hints, warning.Lines(r.secrets, "")...)
	}
	return struct {
		Name         string   `json:"name"`
		Result       result   `json:"result"`
		Reason       string   `json:"reason"`
		Found        string   `json:"found"`
		Milliseconds int64    `json:"milliseconds"`
		Warnings     []string `json:"warnings"`
		Hints        []string `json:"hints"`
		Details      []string `json:"details"`
	}{o.name, o.result, o.failure.Reason, r.secrets.Line(o.found), o.took.Milliseconds(), warnings, hints, details}
}

func whole(secrets *platform.Secrets, texts []string) []string {
	lines := []string{}
	for _, text := range texts {
		lines = append(lines, secrets.Whole(text))
	}
	return lines
}

// table is the report for a job summary.
func (r *report) table(t request.Target) platform.Table {
	table := platform.Table{
		Title: "quay-keyless doctor",
		About: []string{t.Registry.Host, t.Robot.String()},
		Head:  []string{"link", "result", "found", "time"},
	}
	for _, o := range r.outcomes {
		found := o.found
		for _, warning := range o.warnings {
			found += "; " + warning.Text
		}
		table.Rows = append(table.Rows, []string{o.name, string(o.result), found, fmt.Sprintf("%d ms", o.took.Milliseconds())})
	}
	return table
}
