// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/platform"
)

var update = flag.Bool("update", false, "write testdata/reasons.golden and the first lines in docs/troubleshooting.md")

const longestSection = 60 // words, that a section has after its heading and the first line

// The page that people find by the words of an error has a section for each reason: the
// words to search for, the error's first line, and briefly the cause and the cure.
func TestTroubleshooting(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "troubleshooting.md")
	was := readFileOf(t, path)
	page := was
	for _, code := range Codes() {
		section := regexp.MustCompile(fmt.Sprintf("\n### <a id=%q></a>(.+) \\[%s\\]\n\n(`.*`\n\n)?((?:[^#<\n].*\n)+)", code, code))
		found := section.FindAllStringSubmatch(page, -1)
		if len(found) != 1 {
			t.Errorf("the page has %d sections about %s, want 1", len(found), code)
			continue
		}
		whole, heading, first, text := found[0][0], found[0][1], found[0][2], found[0][3]
		if words := len(strings.Fields(text)); words > longestSection {
			t.Errorf("the page says %d words about %s, want at most %d", words, code, longestSection)
		}
		start := strings.TrimSuffix(whole, first+text)
		page = strings.Replace(page, whole, start+firstLine(code, heading)+text, 1)
	}
	if *update {
		writeFileOf(t, path, page)
	} else if page != was {
		t.Errorf("%s is not up to date: go test ./internal/explain -run TestTroubleshooting -update", path)
	}
	everyError(t, page)
}

// firstLine is that of an error; empty if the heading has its words, or if it is not this
// reason's alone.
func firstLine(code, heading string) string {
	text := Message(sampleRun(code), samples()[code]).Text
	if code == otherError || code == "usage" || strings.HasPrefix(text, "the ID token from ") || strings.HasPrefix(text, "no ID token from ") { // each differs
		return ""
	}
	for words := range strings.SplitSeq(heading, ", ") {
		pieces := strings.Split(words, "...")
		if !slices.ContainsFunc(pieces, func(piece string) bool { return !strings.Contains(text, strings.TrimSpace(piece)) }) {
			return ""
		}
	}
	for other, err := range samples() {
		if other != code && Message(sampleRun(other), err).Text == text {
			return ""
		}
	}
	return fmt.Sprintf("`%s`\n\n", text)
}

// Each reason's sample looks in a terminal as it did.
func TestReasonWords(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, code := range Codes() {
		fmt.Fprintf(&text, "%s\n", rendered(t, code, nil))
	}
	path := filepath.Join("testdata", "reasons.golden")
	if *update {
		writeFileOf(t, path, text.String())
	} else if readFileOf(t, path) != text.String() {
		t.Errorf("%s is not up to date: go test ./internal/explain -run TestReasonWords -update", path)
	}
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

func writeFileOf(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // public
		t.Fatal(err)
	}
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
