// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/idtoken"
)

// words are lines for people, as a terminal and a plain job log show them.
type words struct {
	out, results io.Writer
	secrets      *Secrets
	screen       Screen
}

// Mask keeps the secret out of all words. That is all: only GitHub can mask what
// others say.
func (w words) Mask(secret idtoken.Secret) { w.secrets.Add(secret) }

// Notice writes one line.
func (w words) Notice(text string) { w.lines([]string{w.secrets.sentence(text)}) }

// Warn writes the warning, and below it what to do.
func (w words) Warn(m Message) {
	lines := w.head("warning:", yellow, m)
	steps, _ := m.steps()
	for _, step := range steps {
		lines = append(lines, w.step("         ", step)...)
	}
	w.lines(lines)
}

// Fail writes the error, what to do, and where to read more.
func (w words) Fail(m Message) { w.lines(append(w.head("error:", red, m), w.body(m)...)) }

// Summarize does nothing: there is no page for reports.
func (words) Summarize(Table) {}

// lines writes lines at once, so that those of goroutines do not mix. That nobody reads
// them is no reason to stop: a login is not worth less if the log is closed.
func (w words) lines(lines []string) {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(noCommand(line) + "\n")
	}
	_, _ = io.WriteString(w.out, text.String())
}

// exportable refuses paths that a shell or a Tekton result would accept but a terminal
// or a log would obey.
func exportable(result Result) error {
	for _, value := range result.names() {
		if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }) {
			return fmt.Errorf("%q has a character that does not print, which no path for the steps that follow can have", value)
		}
	}
	return nil
}

// Ready is nil: nothing but standard output is written.
func (words) Ready() error { return nil }

// export prints what a shell's eval sets for the commands that follow.
func (w words) export(result Result) error {
	var lines strings.Builder
	for _, variable := range result.Exports {
		if variable.Value == "" { // its value has logins, so the shell keeps it for logout
			fmt.Fprintf(&lines, "export %s=\"${%s:-}\"\n", Saved(variable.Name), variable.Name)
		}
		fmt.Fprintf(&lines, "export %s=%s\n", variable.Name, Quote(variable.Value))
	}
	if result.Path != "" {
		// Last, so that the folder cannot put a program in another's place. With an empty
		// PATH the shell would look in the current folder first.
		fmt.Fprintf(&lines, "export PATH=\"${PATH:+$PATH:}\"%s\n", Quote(result.Path))
	}
	if lines.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(w.results, lines.String()); err != nil {
		return fmt.Errorf("printing the lines for the shell: %w", errno.WithoutPath(err))
	}
	return nil
}

// Saved is the variable that keeps the value of one that a login empties.
func Saved(name string) string { return "QUAY_KEYLESS_" + name }

// Quote is text as a shell takes it for one word.
func Quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// oneAtATime keeps the lines of goroutines apart.
type oneAtATime struct {
	mu  sync.Mutex
	out io.Writer
}

func (o *oneAtATime) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.Write(line)
}
