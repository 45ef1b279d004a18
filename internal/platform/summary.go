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

// refusal is the federation entry that Quay lacks, in blocks of their own, which
// GitHub gives a button for copying.
func (w words) refusal(m Message) string {
	return strings.Join([]string{
		"### Quay has no federation entry for this job",
		w.block("text", w.secrets.sentence(m.Text)),
		"In Quay, at the robot account " + w.code(m.Entry.Robot) + ", choose **Set robot federation** and add this Issuer URL:",
		w.block("text", m.Entry.Issuer),
		"and this Subject:",
		w.block("text", m.Entry.Subject),
		"Or run this, with a token for Quay's API in `QUAY_API_TOKEN`:",
		w.block("sh", m.Entry.Command),
	}, "\n\n") + "\n"
}

// denial is the permission that Quay lacks, in the same way.
func (w words) denial(m Message) string {
	return strings.Join([]string{
		"### Quay has not granted what this job needs",
		w.block("text", w.secrets.sentence(m.Text)),
		"In Quay, in the settings of " + w.code(m.Grant.Repository) + " under **User and Robot Permissions**, give " +
			w.code(m.Grant.Robot) + " the permission **" + m.Grant.Role + "**.",
		"Or run this, with a token for Quay's API in `QUAY_API_TOKEN`:",
		w.block("sh", m.Grant.Command),
	}, "\n\n") + "\n"
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

// block is a block of code with one line. Nothing in it has a meaning, but for a
// fence as long as its own.
func (w words) block(language, text string) string {
	text = w.secrets.whole(text)
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

// Summarizer is a platform with a page for reports.
type Summarizer interface {
	// Summarize adds a report to the page.
	Summarize(Table)
}

var _ Summarizer = (*GitHub)(nil)

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
