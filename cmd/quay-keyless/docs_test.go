// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A fenced is a fenced block of a page.
type fenced struct {
	page string
	line int
	lang string
	mark string // what an invisible comment says directly before it
	text string
}

func (b fenced) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var (
	opening = regexp.MustCompile("^(\\s*)```(\\w*)$")
	comment = regexp.MustCompile(`^\s*<!-- (.*) -->$`)
)

// blocks are the fenced blocks of a page, and prose is its text without them.
func blocks(t *testing.T, page string) (list []fenced, prose string) {
	t.Helper()
	var open *fenced
	var indent, mark string
	for i, line := range strings.Split(read(t, page), "\n") {
		start := opening.FindStringSubmatch(line)
		switch {
		case open != nil && start != nil:
			list = append(list, *open)
			open, mark = nil, ""
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case start != nil:
			indent = start[1]
			open = &fenced{page: page, line: i + 1, lang: start[2], mark: mark}
		default:
			prose += line + "\n"
			if said := comment.FindStringSubmatch(line); said != nil {
				mark = said[1]
			} else if strings.TrimSpace(line) != "" {
				mark = ""
			}
		}
	}
	if open != nil {
		t.Errorf("%s: the block is not closed", open)
	}
	return list, prose
}

// usage reports whether a block is a list of commands, not commands to type.
func (b fenced) usage() bool { return b.lang == "" && strings.Contains(b.text, " [REGISTRY") }

// runnable reports whether a block is for a shell and can be run.
func (b fenced) runnable() bool {
	if b.usage() || b.mark != "" || !slices.Contains([]string{"", "sh", "console"}, b.lang) {
		return false
	}
	for _, line := range b.commands() {
		for _, words := range shellCommands(line) {
			if !slices.Contains(harmlessCommands, words[0]) {
				return false
			}
		}
	}
	return len(b.commands()) > 0
}

// named reports whether a block has nothing but targets of make, and tests: those
// run by themselves, and it is enough that they are there.
func (b fenced) named() bool {
	lines := b.commands()
	return len(lines) > 0 && !slices.ContainsFunc(lines, func(line string) bool {
		first, _, _ := strings.Cut(line, " ")
		return first != "make" && first != "go"
	})
}

// commands are the lines of a block for a shell, continued ones as one.
func (b fenced) commands() []string {
	var list []string
	transcript := strings.HasPrefix(b.text, "$ ") || strings.Contains(b.text, "\n$ ")
	for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		command, prompted := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if command != "" && !strings.HasPrefix(command, "#") && prompted == transcript {
			list = append(list, command)
		}
	}
	return list
}

// Everything in a page that looks like a command, a test or a file is one: each
// block is run or compared by a test, or says why not.
func TestDocs(t *testing.T) {
	t.Parallel()
	tree := newRepository(t)
	commands := 0
	for _, page := range pages(t) {
		list, prose := blocks(t, page)
		for _, block := range list {
			tree.block(t, block)
		}
		commands += tree.prose(t, page, prose)
	}
	tree.said(t)
	if commands == 0 || tree.lines < 50 {
		t.Errorf("only %d command lines are documented, %d of them in the text: does the test find them?", tree.lines, commands)
	}
}

// block holds one block to how it is tested.
func (r *repository) block(t *testing.T, b fenced) {
	t.Helper()
	kind, reason, _ := strings.Cut(b.mark, ": ")
	switch {
	case kind == "not run":
		if len(reason) < 10 {
			t.Errorf("%s: why is it not run?", b)
		}
		r.shell(t, b)
	case kind == "run by":
		r.shell(t, b)
	case b.usage():
		r.usage(t, b)
	case b.mark != "":
		t.Errorf("%s: what is <!-- %s -->?", b, b.mark)
	case b.lang == "yaml":
		r.yaml(t, b)
	case b.lang == "mermaid":
	case b.runnable() || b.named():
		r.shell(t, b)
	default:
		t.Errorf("%s: nothing tests a block of %q: make it a command that TestDocumentedCommands runs, or write <!-- run by: TestName --> or <!-- not run: WHY --> before it", b, b.lang)
	}
}
