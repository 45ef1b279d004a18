// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// words are lines for people: warning, error and hint lines as a terminal and
// a plain job log show them.
type words struct {
	out io.Writer
}

// Notice writes one line.
func (w words) Notice(text string) { w.line("", text) }

// Warn writes the warning, then its hints.
func (w words) Warn(m Message) {
	w.line("warning: ", m.Text)
	w.hints(m)
}

// Fail writes the error, then its hints.
func (w words) Fail(m Message) {
	w.line("error: ", m.Text)
	w.hints(m)
}

func (w words) hints(m Message) {
	for _, hint := range m.Hints {
		w.line("hint: ", hint)
	}
}

// line writes one line. That nobody reads it is no reason to stop: a login is
// not worth less where the log is closed.
func (w words) line(label, text string) {
	_, _ = fmt.Fprintln(w.out, label+printable(text))
}

// printable makes one line of text that may come from elsewhere: what would
// move a terminal's cursor, colour it or begin a new line is replaced.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == ' ':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
