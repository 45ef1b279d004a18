// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"errors"
	"strings"
)

// Message is what people read about one problem: what is wrong, what to do, and where to
// read more. Every platform shows it in its own way.
type Message struct {
	Text   string // what is wrong, in one line
	Said   string // Quay's own words, or the system's
	Reason string // the stable code of an error
	Exit   int    // the exit code of an error
	// Steps are what to do, the most likely first. People see at most three.
	Steps []Step
	Hints []string // further steps that are only a sentence
	Notes []string // sentences that explain
	// Details are what only --verbose shows.
	Details []Step
	More    []string // commands that show more
	Page    string   // the address of the page about this reason, "" if not released
	Verbose bool     // show everything
}

// Step is one thing to do, and what to copy for it.
type Step struct {
	Text    string
	Values  []Value
	Lines   []string // to compare, as they are
	Command string   // for a shell, words with spaces are quoted
}

// Value is a text to copy, and where it belongs.
type Value struct{ Name, Value string }

// mostSteps is how many things people are told to do.
const mostSteps = 3

// steps are those that people see, and whether some were left out.
func (m Message) steps() (shown []Step, cut bool) {
	shown = append(shown, m.Steps...)
	for _, hint := range m.Hints {
		shown = append(shown, Step{Text: hint})
	}
	if m.Verbose {
		return append(shown, m.Details...), false
	}
	return shown[:min(len(shown), mostSteps)], len(shown) > mostSteps || len(m.Details) > 0
}

// toCopy reports whether the message has something that people copy.
func (m Message) toCopy() bool {
	steps, _ := m.steps()
	for _, step := range steps {
		if len(step.Values) > 0 || step.Command != "" {
			return true
		}
	}
	return false
}

// Line is what is wrong in one line, for tools that show no more.
func (m Message) Line() string {
	text := m.Text
	if m.Reason != "" {
		text += " [" + m.Reason + "]"
	}
	if m.Said != "" {
		text += ": " + m.Said
	}
	return text
}

// Explained is an error that knows its message.
type Explained interface {
	error
	// Message is what people read about the error. If Reason is empty, the cause's
	// counts.
	Message() Message
}

// MessageOf is what an error says of itself, and before that what the errors around it say.
func MessageOf(err error) Message {
	var explained Explained
	if !errors.As(err, &explained) {
		return Message{Text: err.Error()}
	}
	m := explained.Message()
	if before, wrapped := strings.CutSuffix(err.Error(), ": "+explained.Error()); wrapped {
		m.Text = before + ": " + m.Text
	}
	return m
}

// Curable is an error that knows how to fix it.
type Curable struct {
	Text   string
	Reason string
	Exit   int      // unless it is the reason's
	Cures  []string // each is one sentence
	Steps  []Step   // those with something to copy come first
}

// Error is the text.
func (c *Curable) Error() string { return c.Text }

// Message is the text with the cures.
func (c *Curable) Message() Message {
	return Message{Text: c.Text, Reason: c.Reason, Exit: c.Exit, Steps: c.Steps, Hints: c.Cures}
}
