// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
)

// FileError is what is wrong with a file, each problem with its line and column.
type FileError struct{ Problems []string }

// Error is the first problem.
func (f *FileError) Error() string { return f.Problems[0] }

// Message has the other problems too.
func (f *FileError) Message() platform.Message {
	return platform.Message{Text: f.Error(), Reason: "usage", Hints: f.Problems[1:]}
}

// parser collects problems.
type parser struct {
	name     string
	problems []string
}

func (p *parser) wrong(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf("%s:%d:%d: ", p.name, n.Line, n.Column)+fmt.Sprintf(format, args...))
}

// document reads the one YAML document.
func (p *parser) document(text []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		p.wrong(&yaml.Node{Line: 1, Column: 1}, "the file is empty")
		return nil
	case err == nil:
		if err = decoder.Decode(&more); errors.Is(err, io.EOF) {
			return document.Content[0]
		}
		if err == nil {
			p.wrong(&more, "a second document begins here; write one file for each organization")
			return nil
		}
	}
	at, words := syntaxError(string(text), err)
	p.wrong(at, "%s", words)
	return nil
}

// near is how far behind the line that the YAML parser names the problem is looked for.
const near = 10

// syntaxError finds the first line that YAML cannot go on with. The parser often names the
// line of what surrounds it.
func syntaxError(text string, err error) (at *yaml.Node, words string) {
	at, words = &yaml.Node{Line: 1, Column: 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	lines := strings.SplitAfter(text, "\n")
	if number, rest, found := strings.Cut(strings.TrimPrefix(words, "line "), ": "); found {
		if line, err := strconv.Atoi(number); err == nil {
			at.Line, words = min(max(line, 1), len(lines)), rest
		}
	} else if line, column, found := unreadable(text); found {
		return &yaml.Node{Line: line, Column: column}, words
	}
	last := min(at.Line+near, len(lines))
	for good := at.Line - 1; good < last; good++ {
		if yaml.Unmarshal([]byte(strings.Join(lines[:good], "")), new(yaml.Node)) == nil {
			at.Line = good + 1
		}
	}
	shown := lines[at.Line-1]
	at.Column = 1 + len(shown) - len(strings.TrimLeft(shown, " "))
	return at, words
}

// unreadable finds the first character that YAML does not allow, in UTF-8. For those its
// parser names no line.
func unreadable(text string) (line, column int, found bool) {
	line = 1
	for i, r := range text {
		if column++; r == utf8.RuneError && strings.HasPrefix(text[i:], "\ufffd") {
			continue
		}
		if r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\u0085", r) {
			return line, column, true
		}
		if r == '\n' {
			line, column = line+1, 0
		}
	}
	return 0, 0, false
}

// fields reads a mapping with these keys.
func (p *parser) fields(n *yaml.Node, what string, keys []string) map[string]*yaml.Node {
	fields := map[string]*yaml.Node{}
	p.each(n, what, func(key, value *yaml.Node) {
		if keys != nil && !slices.Contains(keys, key.Value) {
			p.wrong(key, "%s has no %q: it has %s", what, key.Value, strings.Join(keys, ", "))
		} else {
			fields[key.Value] = value
		}
	})
	return fields
}

// each walks through a mapping.
func (p *parser) each(n *yaml.Node, what string, do func(key, value *yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.wrong(n, "%s: write keys and values here", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			p.wrong(key, "%s: this is not a key", what)
		case seen[key.Value]:
			p.wrong(key, "%s has %q twice", what, key.Value)
		default:
			seen[key.Value] = true
			do(key, n.Content[i+1])
		}
	}
}

func (p *parser) list(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.wrong(n, "%s: write a list here", what)
		return nil
	}
	return n.Content
}

func (p *parser) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		p.wrong(n, "%s: write a text here", what)
		return ""
	}
	return n.Value
}

func (p *parser) bool(n *yaml.Node, what string) (value bool) {
	if n != nil && (n.Kind != yaml.ScalarNode || n.Decode(&value) != nil || n.ShortTag() == "!!null") {
		p.wrong(n, "%s: write true or false here", what)
	}
	return value
}
