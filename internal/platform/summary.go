// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"strings"
	"unicode"
)

// success is a table of what was logged in, in Markdown.
func (w words) success(result Result) string {
	var rows [][]string
	for _, login := range result.Logins {
		end := login.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")
		if result.Renews {
			end = "renewed for each use"
		}
		rows = append(rows, []string{w.code(login.Registry), w.code(login.Username), end})
	}
	return table([]string{"registry", "robot", "logged in until"}, rows)
}

// cure is what to do about an error, with what to copy in blocks, which GitHub gives a
// button for copying.
func (w words) cure(m Message) string {
	parts := []string{"### quay-keyless could not continue", w.block("text", strings.Join(w.plain().head("error:", "", m), "\n"))}
	steps, _ := m.steps()
	for _, step := range steps {
		parts = append(parts, w.prose(step.Text))
		for _, value := range step.Values {
			parts = append(parts, w.prose(value.Name)+":", w.block("text", w.secrets.whole(value.Value)))
		}
		if step.Command != "" {
			parts = append(parts, w.block("sh", w.secrets.whole(step.Command)))
		}
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// plain are the same words without colours or a width.
func (w words) plain() words {
	w.screen = Screen{}
	return w
}

// prose is text in Markdown, in which nothing has a meaning.
func (w words) prose(text string) string {
	var safe strings.Builder
	for i, r := range w.secrets.whole(text) {
		if strings.ContainsRune("\\`*_[]<&|~$@#", r) || i == 0 && strings.ContainsRune(">+-=:", r) {
			safe.WriteByte('\\')
		}
		safe.WriteRune(r)
	}
	return safe.String()
}

// table is one of GitHub's Markdown. The cells are Markdown already.
func table(head []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	line(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, row := range rows {
		line(row)
	}
	return text.String()
}

// code quotes text as code, in a table's cell too. A span of code cannot hold
// what ends it or the cell, so there odd characters are written by their number,
// which has no other meaning (CommonMark, section 2.5).
func (w words) code(text string) string {
	text = w.secrets.sentence(text)
	if text != "" && !strings.ContainsAny(text, "|`\\") {
		return "`" + text + "`"
	}
	var numbered strings.Builder
	for _, r := range text {
		if r == ' ' || unicode.IsLetter(r) || unicode.IsNumber(r) {
			numbered.WriteRune(r)
		} else { // it could mean something in Markdown or HTML
			fmt.Fprintf(&numbered, "&#%d;", r)
		}
	}
	return "<code>" + numbered.String() + "</code>"
}

// block is a block of code. Nothing in it has a meaning, but for a fence as long as its
// own.
func (w words) block(language, text string) string {
	fence := "```"
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r != '`' }) {
		fence += strings.Repeat("`", max(0, len(run)+1-len(fence)))
	}
	return fence + language + "\n" + text + "\n" + fence
}

// Table is a report for people.
type Table struct {
	Title string
	About []string // what it is about, by name
	Head  []string
	Rows  [][]string // as they are, whatever is in them
}

// Summarize adds a report to the job summary.
func (g *GitHub) Summarize(t Table) {
	var about []string
	for _, name := range t.About {
		about = append(about, g.code(name))
	}
	var rows [][]string
	for _, row := range t.Rows {
		var cells []string
		for _, text := range row {
			cells = append(cells, g.code(text))
		}
		rows = append(rows, cells)
	}
	g.summarize("### " + t.Title + "\n\n" + strings.Join(about, ", ") + "\n\n" + table(t.Head, rows))
}
