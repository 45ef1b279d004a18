// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
)

// What users read, what the action takes and what the program has are three
// lists of the same things.
func TestListsAgree(t *testing.T) {
	t.Parallel()
	action := readAction(t)

	flags := flagsOf(t, "login")
	inputs := slices.DeleteFunc(slices.Collect(maps.Keys(action.Inputs)), func(input string) bool { return input == "registry" || input == "logout" })
	flags = slices.DeleteFunc(flags, func(flag string) bool { return flag == "id-token-stdin" || flag == "output" }) // a step has outputs, and no standard input
	equal(t, "the action's inputs", inputs, flags)

	outputs := []string{"token"} // only when asked for
	for _, output := range (platform.Result{}).Outputs() {
		outputs = append(outputs, output.Name)
	}
	equal(t, "the action's outputs", slices.Collect(maps.Keys(action.Outputs)), outputs)
	_, table, _ := strings.Cut(read(t, "docs/github.md"), "\n| output | what it is |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	equal(t, "the outputs of docs/github.md", matches(table, "(?m)^\\| `([a-z-]+)` \\|"), outputs)

	var sources []string
	for _, source := range idtoken.Sources(idtoken.Env{}, idtoken.Settings{}) {
		sources = append(sources, source.Name)
	}
	platforms := read(t, "docs/platforms.md")
	equal(t, "the sources of docs/platforms.md", matches(platforms, "(?m)^\\|.*\\| `([a-z-]+)`: .*\\|$"), sources)
	for _, platform := range idtoken.ManualPlatforms {
		if !strings.Contains(platforms, "\n## "+platform.Name+"\n") {
			t.Errorf("docs/platforms.md has no heading %s", platform.Name)
		}
	}
}

// metadata is action.yml. An unknown field fails the test, and so does an
// input's default: it would win over a variable of the job.
type metadata struct {
	Name, Description string
	Branding          struct{ Icon, Color string }
	Inputs, Outputs   map[string]struct{ Description string }
	Runs              struct{ Using, Main, Post string }
}

func readAction(t *testing.T) metadata {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "action.yml")))
	decoder.KnownFields(true)
	var action metadata
	if err := decoder.Decode(&action); err != nil {
		t.Fatal(err)
	}
	if runs := action.Runs; runs.Using != "node24" || runs.Main != "action/index.js" || runs.Post != "action/post.js" {
		t.Errorf("action.yml runs %+v", runs)
	}
	return action
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flagsOf are the flags that a command's help shows, without --help itself.
func flagsOf(t *testing.T, command ...string) []string {
	t.Helper()
	flags := matches(help(t, command), `(?m)^ {2,6}(?:-\w, )?--([a-z-]+)`)
	return slices.DeleteFunc(flags, func(flag string) bool { return flag == "help" })
}

func help(t *testing.T, command []string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := process.Env{Args: append(command, "--help"), Getenv: func(string) string { return "" }, Stdout: &stdout, Stderr: &stderr}
	if code := cli.Main(t.Context(), env); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return stdout.String()
}

func matches(text, expression string) []string {
	var list []string
	for _, match := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
		list = append(list, match[1])
	}
	return list
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s are\n%q\nnot\n%q", what, got, want)
	}
}
