// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// promisedFile is what this major version promises: a line for each thing that
// somebody may depend on, its kind first, the fields separated by tabs.
const promisedFile = "testdata/compatibility/v1.txt"

// surface is what the program and its files have now, as lines of promisedFile.
type surface map[string]bool

func (s surface) add(kind string, fields ...string) {
	s[kind+"\t"+strings.Join(fields, "\t")] = true
}

// What others depend on stays. The list of promises grows by -update; a line of
// it goes only by hand, which is a new major version.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	have := surface{}
	have.commands(t)
	have.values()
	have.action(t)
	have.gitlab(t)
	have.tekton(t)
	have.exits(t)
	have.json(t)
	have.files(t)
	have.helper(t)

	promised := readPromises(t)
	begun := len(promised) > 0
	var gone, demanded, added []string
	for _, line := range slices.Sorted(maps.Keys(promised)) {
		if !have[line] {
			gone = append(gone, line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(have)) {
		switch {
		case promised[line]:
		case begun && strings.HasSuffix(line, "\trequired"):
			demanded = append(demanded, line)
		case *update:
			promised[line] = true
		default:
			added = append(added, line)
		}
	}
	const page = "see docs/compatibility.md"
	complain(t, gone, "this was a promise, "+page+". To take it away or to change it is BREAKING, and for a new major version. "+promisedFile+" has, and the program has not:")
	complain(t, demanded, "this breaks a promise, "+page+". Who did without it until now would have to give:")
	complain(t, added, "this would be a promise for the whole major version, "+page+". If it shall be one: go test ./cmd/quay-keyless -run TestCompatibility -update")
	if *update {
		writePromises(t, promised)
	}
}

// complain names lines, if there are any.
func complain(t *testing.T, lines []string, words string) {
	t.Helper()
	if len(lines) > 0 {
		t.Errorf("%s\n\t%s", words, strings.ReplaceAll(strings.Join(lines, "\n\t"), "\t", "  "))
	}
}

func readPromises(t *testing.T) surface {
	t.Helper()
	promised := surface{}
	text, err := os.ReadFile(filepath.Join("..", "..", promisedFile))
	if err != nil && !*update {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		promised[strings.TrimSuffix(line, "\n")] = true
	}
	return promised
}

func writePromises(t *testing.T, promised surface) {
	t.Helper()
	text := strings.Join(slices.Sorted(maps.Keys(promised)), "\n") + "\n"
	if err := os.WriteFile(filepath.Join("..", "..", promisedFile), []byte(text), 0o644); err != nil { //nolint:gosec // public
		t.Fatal(err)
	}
}
