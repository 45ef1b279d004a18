// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/development.md names every package, in an order in which each imports only
// those before it.
func TestPackages(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/development.md")
	_, table, _ := strings.Cut(page, "\n## Packages\n")
	table, _, _ = strings.Cut(table, "\n## ")
	order := matches(table, "(?m)^- `([a-z]+)`: ")
	folders, err := os.ReadDir("../../internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if !strings.Contains(table, "`"+folder.Name()+"`") {
			t.Errorf("docs/development.md does not name the package %s", folder.Name())
		}
	}
	for _, found := range regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w+)`").FindAllStringSubmatch(page, -1) {
		if !exports(t, found[1], found[2]) {
			t.Errorf("docs/development.md names %s.%s, which is not there", found[1], found[2])
		}
	}
	for i, name := range order {
		for _, other := range importedBy(t, name) {
			if !slices.Contains(order[:i], other) {
				t.Errorf("%s imports %s, which docs/development.md does not have above it", name, other)
			}
		}
	}
}

// exports reports whether a package has an exported name.
func exports(t *testing.T, name, exported string) bool {
	t.Helper()
	files, err := filepath.Glob("../../internal/" + name + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^(?:func|type|var|const|\t) ?` + exported + `\b`)
	return slices.ContainsFunc(files, func(path string) bool { return declared.MatchString(read(t, strings.TrimPrefix(path, "../../"))) })
}

// importedBy are the packages of internal/ that one of them imports.
func importedBy(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob("../../internal/" + name + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no package %s: %v", name, err)
	}
	var list []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if other, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "quay-keyless/internal/"); ours {
				list = append(list, other)
			}
		}
	}
	return list
}
