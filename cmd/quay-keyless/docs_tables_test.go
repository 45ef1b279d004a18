// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// The reference shows each flag of login with its real default. A flag whose default is
// found later, such as a client's scope, may show that.
func TestDocumentedDefaults(t *testing.T) {
	login, _, err := cli.Command(noEnv(map[string]bool{})).Find([]string{"login"})
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "docs/reference.md")
	login.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		row := regexp.MustCompile("(?m)^\\| `--" + flag.Name + "` \\| (.*?)\\|").FindStringSubmatch(page)
		want := strings.Trim(flag.DefValue, "[]")
		if row == nil {
			t.Errorf("docs/reference.md has no row for --%s", flag.Name) // as TestListsAgree says
		} else if got := strings.Trim(row[1], " `"); want != "" && got != want && !(flag.Name == "oidc-redirect-port" && got == "") {
			t.Errorf("docs/reference.md: the default of --%s is %q, not %q", flag.Name, want, got)
		}
	})
}

// Pages that list exit codes list those that there are, and the reference lists all.
func TestDocumentedExitCodes(t *testing.T) {
	promised := readPromises(t)
	var codes []string
	for _, fields := range promised.of("exit") {
		codes = append(codes, fields[0])
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	tables := 0
	for _, page := range pages(t) {
		_, table, found := strings.Cut(read(t, page), "\n| exit code |")
		if !found {
			continue
		}
		tables++
		table, _, _ = strings.Cut(table, "\n\n")
		var shown []string
		for _, row := range matches(table, `(?m)^\| (\d+(?:, \d+)*) \|`) {
			shown = append(shown, strings.Split(row, ", ")...)
		}
		for _, code := range shown {
			if !slices.Contains(codes, code) {
				t.Errorf("%s: nothing ends with exit code %s", page, code)
			}
		}
		if page == "docs/reference.md" {
			equal(t, "the exit codes of docs/reference.md", shown, codes)
		}
	}
	if tables < 3 {
		t.Errorf("%d tables of exit codes", tables)
	}
}
