// SPDX-License-Identifier: Apache-2.0

// Package explain turns errors into messages: what happened, what to do, and commands to
// paste. An error is classified once, by a stable code; the table of codes has the exit
// code, the first line and the cures of each.
package explain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// exitOther is the exit code of an error without another.
const exitOther = 1

// Message turns an error into what people read.
func Message(run *process.Run, err error) platform.Message {
	f := classify(run, err)
	m := f.words()
	if interrupted, ok := errors.AsType[*process.Interrupted](err); ok && m.Exit == 0 {
		m.Exit = process.ExitSignal + int(interrupted.Signal)
	}
	m.Exit = cmp.Or(m.Exit, reasons()[f.code].exit, exitOther)
	m.Text = cmp.Or(m.Text, err.Error())
	m.Reason = cmp.Or(m.Reason, f.code)
	shorten(&m)
	m.Verbose = run.Verbose
	m.Page = run.Page("docs/troubleshooting.md#" + m.Reason)
	return m
}

// widest is how long the first line of an error may be, in columns.
const widest = 100

// joint is where a long line can be cut.
var joint = platform.Pattern(`: |; |, (?:so|and|which|by|at|too|not) `)

// shorten moves the end of a long first line to the second.
func shorten(m *platform.Message) {
	room := widest - len("error:  []") - len(m.Reason)
	if len(m.Text) <= room {
		return
	}
	for _, at := range slices.Backward(joint().FindAllStringIndex(m.Text[:room], -1)) {
		if at[0] < 20 || strings.Count(m.Text[:at[0]], `"`)%2 == 1 { // the name of a link, or what others said
			continue
		}
		rest := m.Text[at[0]+2:]
		if m.Said != "" {
			rest += ": " + m.Said
		}
		m.Text, m.Said = m.Text[:at[0]], rest
		return
	}
}

// do is a step without anything to copy.
func do(format string, args ...any) platform.Step {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return platform.Step{Text: format}
}

// paste is a step with a command to paste.
func paste(text, command string) platform.Step { return platform.Step{Text: text, Command: command} }

// withoutCause splits an error from its cause, if its text ends with that.
func withoutCause(err, cause error) (text, said string) {
	if text, ok := strings.CutSuffix(err.Error(), ": "+cause.Error()); ok {
		return text, cause.Error()
	}
	return err.Error(), ""
}
