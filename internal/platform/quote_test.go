// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// odd are texts that mean something in one of the languages.
var odd = []string{
	"", " ", "a", "it's", "a b", "-x", "--", "=ls", "~", "*", "$HOME", "$(id)`id`", "a;b|c>d&", "\"", `\`, "!!", "#x", "a # b", "a: b", "a:", ": a", "- a", "? a", "[a]", "{a: b}",
	"&a", "*a", "!a", "|", ">", "@a", "%a", "true", "No", "null", "y", "1", "0x1f", "1e3", "1:30:00", "2026-11-30", ".inf", "<<", "---", "...", "two\nlines", "\ttab", "a\r", "ends ",
	"127.0.0.1:443", "quay.io", "acme+ci", "[::1]:8443", "acme/app:push", "podman push quay.io/acme/app", "http://quay.example",
	"${{ secrets.X }}", "x${{", "${{${{ '}}' }}", "$${{ '${{' }}", "{{ x }}", "\u202e", "\x1b[31m", "##[group]x", "::error::x", "ü",
}

// read has a shell show a word, as it takes it from a line that was pasted.
func read(t *testing.T, word string) string {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf '[%s]' "+word)
	shell.Dir, shell.Env = t.TempDir(), []string{"HOME=/home"}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", word, err)
	}
	return string(out)
}

func TestWordsForAShell(t *testing.T) {
	t.Parallel()
	for _, text := range odd {
		if got := read(t, Shell(text)); got != "["+text+"]" {
			t.Errorf("%q is %s, which a shell takes for %q", text, Shell(text), got)
		}
		if got := read(t, Operand(text)); got != "["+text+"]" && got != "[./"+text+"]" || strings.HasPrefix(got, "[-") {
			t.Errorf("%q is %s, which a program takes for %q", text, Operand(text), got)
		}
	}
	for _, text := range []string{"quay.io", "acme+ci", "repo:acme/app:ref:refs/heads/main", "/home/acme/.docker/config.json"} {
		if Shell(text) != text || Operand(text) != text {
			t.Errorf("%q needs no quotes: %s", text, Shell(text))
		}
	}
	if got := Shell("=ls"); got != "'=ls'" { // for zsh
		t.Errorf("=ls is %s", got)
	}
}

func FuzzWordsForAShell(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") { // which no argument can have
			return
		}
		if got := read(t, Shell(text)); got != "["+text+"]" {
			t.Errorf("%q is %s, which a shell takes for %q", text, Shell(text), got)
		}
	})
}

// literal is the one kind of expression that a name can become.
var literal = regexp.MustCompile(`\$\{\{ '([^']*)' \}\}`)

// ofYAML is what a text for YAML means, where it stands in a workflow's mapping or list.
func ofYAML(t *testing.T, text string) string {
	t.Helper()
	var document struct {
		Key  any   `yaml:"key"`
		List []any `yaml:"list"`
	}
	source := "key: " + text + "\nlist:\n  - " + text + "\n"
	if err := yaml.Unmarshal([]byte(source), &document); err != nil || len(document.List) != 1 {
		t.Errorf("%s: %v", source, err)
		return ""
	}
	value, ok := document.Key.(string)
	if other := document.List[0]; !ok || other != value || bytes.Count([]byte(source), []byte("\n")) != 3 {
		t.Errorf("%s is %#v and %#v", text, document.Key, other)
	}
	return value
}

// expectYAML looks whether a text comes out of YAML as it went in, and out of GitHub's
// expressions.
func expectYAML(t *testing.T, text string) {
	t.Helper()
	if got := ofYAML(t, YAMLText(text)); got != text {
		t.Errorf("%q is %s, which YAML reads as %q", text, YAMLText(text), got)
	}
	source := ofYAML(t, WorkflowText(text))
	for _, left := range literal.Split(source, -1) { // GitHub looks at what is between expressions once
		if strings.Contains(left, "${{") {
			t.Errorf("%q is %s, which has the expression %q", text, source, left)
		}
	}
	if got := literal.ReplaceAllString(source, "$1"); got != text {
		t.Errorf("%q is %s, which GitHub takes for %q", text, source, got)
	}
}

func TestTextsForYAML(t *testing.T) {
	t.Parallel()
	for _, text := range odd {
		expectYAML(t, text)
	}
	for _, text := range []string{"quay.io", "127.0.0.1:443", "acme+ci", "acme/app:push", "podman push --tls-verify=false quay.io/acme/app"} {
		if YAMLText(text) != text {
			t.Errorf("%q needs no quotes: %s", text, YAMLText(text))
		}
	}
	for _, text := range []string{"yes", "On", "n", "NULL"} { // texts in YAML 1.2 alone
		if YAMLText(text) == text {
			t.Errorf("%q needs quotes", text)
		}
	}
}

func FuzzTextsForYAML(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && !strings.ContainsRune(text, utf8.RuneError) { // a claim is JSON
			expectYAML(t, text)
		}
	})
}
