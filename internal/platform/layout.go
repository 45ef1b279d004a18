// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Screen is where words appear.
type Screen struct {
	Terminal bool // a person looks at it, and lines can be updated
	Width    int  // in columns; 0 if unknown, as for the log of a job
	Colour   bool
}

// usualWidth is where text wraps if the width is unknown.
const usualWidth = 80

// Columns is how wide the screen is, or is thought to be.
func (s Screen) Columns() int {
	if s.Width <= 0 {
		return usualWidth
	}
	return max(s.Width, 20)
}

// paint colours text on a screen with colours.
func (s Screen) paint(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

const (
	red    = "31;1"
	yellow = "33;1"
	bold   = "1"
)

// head is what is wrong: one line, and one with the words of the other side. A log keeps
// them whole, so that people can search for them.
func (w words) head(label, colour string, m Message) []string {
	text := w.secrets.sentence(m.Text)
	if m.Reason != "" {
		text += " [" + m.Reason + "]"
	}
	indent := strings.Repeat(" ", len(label)+1)
	lines := []string{text}
	if m.Said != "" {
		lines = append(lines, w.secrets.sentence(m.Said))
	}
	var made []string
	for _, line := range lines {
		if w.screen.Width > 0 {
			made = append(made, Wrap(line, w.screen.Columns()-len(indent))...)
		} else {
			made = append(made, line)
		}
	}
	for i := range made {
		made[i] = indent + made[i]
	}
	made[0] = w.screen.paint(colour, label) + made[0][len(label):]
	return made
}

// body is what to do and where to read more, in paragraphs.
func (w words) body(m Message) []string {
	steps, cut := m.steps()
	var lines []string
	for _, step := range steps {
		lines = append(lines, "")
		lines = append(lines, w.step("  ", step)...)
	}
	for _, note := range m.Notes {
		lines = append(lines, "")
		lines = append(lines, w.paragraph("  ", "  ", note)...)
	}
	more := slices.Clone(m.More)
	if m.Page != "" {
		more = append(more, m.Page)
	}
	if cut && len(more) == 0 {
		more = []string{"add --verbose"}
	}
	first := "  More: "
	if len(more) > 0 {
		lines = append(lines, "")
	}
	for _, text := range more {
		lines = append(lines, w.command(first, strings.Repeat(" ", len(first)), text)...)
		first = strings.Repeat(" ", len(first))
	}
	return lines
}

// step is a sentence, and below it what to copy. What is copied is never broken inside a
// word.
func (w words) step(indent string, step Step) []string {
	lines := w.paragraph(indent, indent, step.Text)
	longest := 0
	for _, value := range step.Values {
		longest = max(longest, utf8.RuneCountInString(value.Name))
	}
	if len(step.Values)+len(step.Lines) > 0 || step.Command != "" {
		lines = append(lines, "")
	}
	for _, line := range step.Lines {
		lines = append(lines, indent+"  "+w.secrets.whole(line))
	}
	for _, value := range step.Values {
		gap := strings.Repeat(" ", longest-utf8.RuneCountInString(value.Name)+2)
		lines = append(lines, indent+"  "+w.secrets.whole(value.Name)+gap+w.screen.paint(bold, w.secrets.whole(value.Value)))
	}
	if step.Command != "" {
		if len(step.Values) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, w.command(indent+"  ", indent+"  ", step.Command)...)
	}
	return lines
}

// Lines are what to do, for a report that has the rest.
func (m Message) Lines(secrets *Secrets, indent string) []string {
	w := words{secrets: secrets, screen: Screen{Width: 1 << 15}}
	steps, _ := m.steps()
	lines := []string{}
	for _, step := range steps {
		for _, line := range w.step("", step) {
			if line != "" {
				lines = append(lines, indent+noCommand(line))
			}
		}
	}
	return lines
}

// paragraph is wrapped text.
func (w words) paragraph(first, indent, text string) []string {
	lines := Wrap(w.secrets.whole(text), w.screen.Columns()-len(indent))
	for i, line := range lines {
		if i > 0 {
			first = indent
		}
		lines[i] = first + line
	}
	return lines
}

// command is a command for a shell, continued with \ before a flag or an argument.
func (w words) command(first, indent, command string) []string {
	var lines []string
	line, room := first, w.screen.Columns()-2
	empty := true
	flush := func(end string) {
		lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if strings.HasPrefix(line, "  More: ") {
			lead = line[:len("  More: ")]
		}
		lines = append(lines, lead+w.screen.paint(bold, line[len(lead):])+end)
	}
	for _, word := range shellPieces(w.secrets.whole(command)) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room:
			flush(` \`)
			line = indent + "    " + word
		default:
			line += " " + word
		}
		empty = false
	}
	flush("")
	return lines
}

// Wrap breaks text between words into lines of this width.
func Wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
			line, used = word, length
		case used+1+length > width:
			lines = append(lines, line)
			line, used = word, length
		default:
			line, used = line+" "+word, used+1+length
		}
	}
	return append(lines, line)
}

// shellPieces splits a command at the spaces outside of quotes. A flag stays with its
// value, and the program with its command.
func shellPieces(command string) []string {
	var pieces []string
	start, quoted := 0, false
	for i := 0; i < len(command); i++ {
		switch {
		case command[i] == '\'':
			quoted = !quoted
		case quoted:
		case command[i] == '\\':
			i++
		case command[i] == ' ':
			pieces = append(pieces, command[start:i])
			start = i + 1
		}
	}
	pieces = append(pieces, command[start:])
	var joined []string
	for i, piece := range pieces {
		flag := i > 0 && strings.HasPrefix(pieces[i-1], "-") && !strings.Contains(pieces[i-1], "=") && !strings.HasPrefix(piece, "-")
		if len(joined) > 0 && (flag || i == 1) {
			joined[len(joined)-1] += " " + piece
		} else {
			joined = append(joined, piece)
		}
	}
	return joined
}
