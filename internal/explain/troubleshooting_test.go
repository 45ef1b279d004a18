// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/platform"
)

var update = flag.Bool("update", false, "write docs/troubleshooting.md's blocks and tables anew")

// pieces are the parts of the page that are made here: a comment that names one, and
// what follows, up to the end of a block or of a table.
var pieces = regexp.MustCompile("(?m)^<!-- (reason|table): ([^ ]+) -->\n(?:\n?```text\n(?s:.*?)\n```\n|\n?(?:\\|.*\n)+)?")

// The page that people find by the words of an error has each reason once, with what the
// program says.
func TestTroubleshooting(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "troubleshooting.md")
	was := readFileOf(t, path)
	shown := map[string]int{}
	page := pieces.ReplaceAllStringFunc(was, func(piece string) string {
		found := pieces.FindStringSubmatch(piece)
		kind, name := found[1], found[2]
		shown[name]++
		if kind == "table" {
			return fmt.Sprintf("<!-- table: %s -->\n\n%s", name, pageTables[name](t))
		}
		return fmt.Sprintf("<!-- reason: %s -->\n\n```text\n%s```\n", name, rendered(t, name, nil))
	})
	for _, code := range Codes() {
		if !regexp.MustCompile(fmt.Sprintf("\n<a id=%q></a>\n\n### .+\n", code)).MatchString(page) {
			t.Errorf("the page has no heading with the anchor %s", code)
		}
	}
	for _, name := range append(Codes(), slices.Collect(maps.Keys(pageTables))...) {
		if shown[name] != 1 {
			t.Errorf("the page has %s %d times, want once", name, shown[name])
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil { //nolint:gosec // public
			t.Fatal(err)
		}
	} else if page != was {
		t.Errorf("%s is not up to date: go test ./internal/explain -run TestTroubleshooting -update", path)
	}
	everyError(t, page)
}

// rendered is what a reason's sample looks like on a platform, at 80 columns.
func rendered(t *testing.T, code string, variables map[string]string) string {
	t.Helper()
	var words bytes.Buffer
	getenv := func(name string) string { return variables[name] }
	h := platform.Detect(platform.Env{Getenv: getenv, Words: &words, Results: io.Discard})
	h.Fail(Message(sampleRun(code), samples()[code]))
	return words.String()
}

func goldenPath(name string) string {
	return filepath.Join("..", "..", "testdata", "contract", name+".golden")
}

func readFileOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// everyError looks for the reason of each recorded error in the page.
func everyError(t *testing.T, page string) {
	t.Helper()
	files, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		found := regexp.MustCompile(`(?m)^error: .* \[([a-z0-9-]+)\]$`).FindStringSubmatch(readFileOf(t, file))
		if found != nil && !strings.Contains(page, fmt.Sprintf("<a id=%q>", found[1])) {
			t.Errorf("the page has no %s, which %s says", found[1], file)
		}
	}
}

// pageTables are the tables of the page, made of those in the code.
var pageTables = map[string]func(*testing.T) string{"traits": traitTable}

// rows is a table of Markdown.
func rows(head string, rows [][]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| %s | what to do |\n| --- | --- |\n", head)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "\n", "<br>").Replace(cell)
		}
		fmt.Fprintf(&text, "| %s | %s |\n", row[0], strings.Join(row[1:], "<br>"))
	}
	return text.String()
}

// traitTable has a row for each cure.
func traitTable(*testing.T) string {
	var list [][]string
	row := map[string]int{}
	for _, trait := range traits {
		claims := traitSamples[trait.name]
		cures := []string{}
		for _, step := range trait.cure {
			cures = append(cures, strings.TrimSpace(step.Text+" "+step.Command))
		}
		if len(cures) == 0 {
			cures = []string{"Add the federation entry that is shown."}
		}
		text, cure := trait.Text(claims), strings.Join(cures, "\n")
		at, known := row[cure]
		switch {
		case !known:
			row[cure] = len(list)
			list = append(list, append([]string{text}, cures...))
		case !strings.Contains(list[at][0], text):
			list[at][0] += "\n" + text
		}
	}
	return rows("what the ID token tells", list)
}
