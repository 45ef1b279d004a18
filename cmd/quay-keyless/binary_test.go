// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The program holds credentials, so people read what is in it: a module more
// or less, or another version, is seen in the change that brings it.
func TestLinkedModulesAreTheKnownOnes(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := slices.Compact(slices.Sorted(strings.Lines(string(output))))
	got := strings.Join(slices.DeleteFunc(modules, func(line string) bool {
		return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "quay-keyless ")
	}), "")
	golden := filepath.Join("..", "..", "testdata", "modules.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the program links\n%s\nand %s says\n%s", got, golden, want)
	}
}
