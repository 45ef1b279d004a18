// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"quay-keyless/internal/errno"
)

// words are lines for people: warning, error and hint lines as a terminal and
// a plain job log show them.
type words struct {
	out, results io.Writer
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
	_, _ = fmt.Fprintln(w.out, noCommand(label+printable(text)))
}

// What should never be among the words, and yet may be: a token where a name
// belongs (--id-token-env "$TOKEN"), and a request that a proxy echoes.
var (
	jwt     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*)?`)
	encoded = regexp.MustCompile(`[A-Za-z0-9+/]{40,}`)
)

// withoutLogin takes out a run of base64 that holds a token.
func withoutLogin(run string) string {
	plain, err := base64.RawStdEncoding.DecodeString(run[:len(run)-len(run)%4])
	if err == nil && bytes.Contains(plain, []byte(":eyJ")) {
		return "[a login]"
	}
	return run
}

// printable makes one line of text that may come from elsewhere: what would
// move a terminal's cursor, colour it or begin a new line is replaced.
func printable(text string) string {
	text = jwt.ReplaceAllString(text, "[a JWT]")
	text = encoded.ReplaceAllStringFunc(text, withoutLogin)
	return Unmarked(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == ' ':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text), " [")
}

// Unmarked breaks what some CI takes for a command anywhere in a line, ##[error] of
// GitHub's old form and Azure's, ##vso[...] of Azure, ##teamcity[...]: the bracket
// becomes this other text.
func Unmarked(text, bracket string) string {
	for at := 0; ; at++ {
		next := strings.Index(text[at:], "##")
		if next < 0 {
			return text
		}
		at += next
		word := text[at+len("##"):]
		rest := strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if after, marked := strings.CutPrefix(rest, "["); marked {
			text = text[:len(text)-len(rest)] + bracket + after
		}
	}
}

// Line makes one line of text that may come from elsewhere, for a command's own
// result: as [Host]'s words, it moves no cursor, shows no token and is no
// workflow command, whatever the host and wherever in a line it stands.
func Line(text string) string { return noCommand(printable(text)) }

// noCommand is a line that GitHub's runner does not take for a command, which it
// looks for at the line's beginning.
func noCommand(line string) string {
	if trimmed := strings.TrimLeft(line, " "); strings.HasPrefix(trimmed, "::") {
		return ". " + trimmed
	}
	return line
}

// exportable refuses, before anything is written, paths that a shell or a Tekton
// result would take, and a terminal or a log that shows them would obey.
func exportable(result Result) error {
	for _, value := range result.names() {
		if !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }) {
			return fmt.Errorf("%q has a character that does not print, which no path for the steps that follow can have", value)
		}
	}
	return nil
}

// export prints what a shell's eval sets for the commands that follow.
func (w words) export(result Result) error {
	var lines strings.Builder
	for _, variable := range result.Exports {
		fmt.Fprintf(&lines, "export %s=%s\n", variable.Name, Quote(variable.Value))
	}
	if result.Path != "" {
		fmt.Fprintf(&lines, "export PATH=%s:\"$PATH\"\n", Quote(result.Path))
	}
	if lines.Len() == 0 {
		return nil
	}
	if _, err := io.WriteString(w.results, lines.String()); err != nil {
		return fmt.Errorf("printing the lines for the shell: %w", errno.Of(err))
	}
	return nil
}

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
