// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
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
	bad      map[*yaml.Node]bool // has not the form of its type
}

func (p *parser) wrong(n *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf("%s:%d:%d: ", p.name, n.Line, n.Column)+fmt.Sprintf(format, args...))
}

// document reads the one YAML document.
func (p *parser) document(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	next := err
	if err == nil {
		next = decoder.Decode(&more)
	}
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		p.wrong(&yaml.Node{Line: 1, Column: 1}, "the file is empty")
	case next == nil:
		p.wrong(&more, "a second document begins here; write one file for each organization")
	case !errors.Is(next, io.EOF):
		at, words := syntaxError(string(content), next)
		p.wrong(at, "%s", words)
	default:
		return document.Content[0]
	}
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
	} else if i := strings.IndexFunc(text, unreadable); i >= 0 {
		begin := strings.LastIndex(text[:i], "\n") + 1
		return &yaml.Node{Line: 1 + strings.Count(text[:i], "\n"), Column: 1 + utf8.RuneCountInString(text[begin:i])}, words
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

// unreadable reports a character that YAML does not allow. For those its parser names no line.
func unreadable(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && !strings.ContainsRune("\t\r\n\u0085", r)
}

// check finds what does not have the form of a Go type.
func (p *parser) check(n *yaml.Node, form reflect.Type, what string) {
	before := len(p.problems)
	defer func() { p.bad[n] = len(p.problems) > before }()
	scalar := n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null"
	switch kind := form.Kind(); {
	case kind == reflect.Slice:
		if item := *n; scalar && form.Elem().Kind() == reflect.String {
			*n = yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Column: n.Column, Content: []*yaml.Node{&item}}
		}
		if n.Kind != yaml.SequenceNode {
			p.wrong(n, "%s: write a list here", what)
			return
		}
		what = cmp.Or(map[string]string{"robots": "a robot", "federation": "a federation entry"}[what], what)
		for _, item := range n.Content {
			p.check(item, form.Elem(), what)
		}
	case kind == reflect.Struct || kind == reflect.Map:
		p.checkMapping(n, form, what)
	case kind == reflect.Bool && (!scalar || n.Decode(new(bool)) != nil):
		p.wrong(n, "%s: write true or false here", what)
	case !scalar:
		p.wrong(n, "%s: write a text here", what)
	}
}

// checkMapping checks the keys and values of a struct, or of a map with any keys.
func (p *parser) checkMapping(n *yaml.Node, form reflect.Type, what string) {
	if n.Kind != yaml.MappingNode {
		p.wrong(n, "%s: write keys and values here", what)
		return
	}
	var keys []string
	forms := map[string]reflect.Type{}
	if form.Kind() == reflect.Struct {
		for _, field := range reflect.VisibleFields(form) {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			keys, forms[key] = append(keys, key), field.Type
		}
	}
	for key, value := range pairs(n) {
		switch {
		case key.Kind != yaml.ScalarNode:
			p.wrong(key, "%s: this is not a key", what)
		case valueOf(n, key.Value) != value:
			p.wrong(key, "%s has %q twice", what, key.Value)
		case form.Kind() == reflect.Map:
			p.check(value, form.Elem(), what)
		case forms[key.Value] == nil:
			p.wrong(key, "%s has no %q: it has %s", what, key.Value, strings.Join(keys, ", "))
		default:
			p.check(value, forms[key.Value], key.Value)
		}
	}
}

// pairs are the keys and values of a mapping, and nothing of other nodes.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content) && yield(n.Content[i], n.Content[i+1]); i += 2 {
		}
	}
}

// valueOf is the value of a key; nil if there is none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for at, value := range pairs(n) {
		if at.Value == key {
			return value
		}
	}
	return nil
}

// textOf is the text of a key; "" if there is none.
func textOf(n *yaml.Node, key string) string {
	if value := valueOf(n, key); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

// listOf is the list of a key; nil if there is none.
func listOf(n *yaml.Node, key string) []*yaml.Node {
	if value := valueOf(n, key); value != nil && value.Kind == yaml.SequenceNode {
		return value.Content
	}
	return nil
}
