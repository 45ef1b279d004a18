// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// names are what differs from one Quay to the next, by placeholder. The table
// and the golden files have the placeholders.
type names map[string]string

// newNames adds what follows from the others.
func newNames(given map[string]string) names {
	n := maps.Clone(given)
	n["<organization>"], _, _ = strings.Cut(n["<robot>"], "+")
	n["<ROBOT>"] = strings.ToUpper(n["<robot>"])
	for _, robot := range []string{"<robot>", "<robot without federation>"} {
		if owner, short, ok := strings.Cut(n[robot], "+"); ok {
			n["<the API's "+strings.Trim(robot, "<>")+">"] = "/organization/" + owner + "/robots/" + short + "/"
		}
	}
	n["<SUBJECT>"] = strings.ToUpper(n["<subject>"])
	return n
}

// fill puts the names in.
func (n names) fill(text string) string {
	for placeholder, value := range n {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

// hide takes the names out, the longest first. Two are also common words, and
// stand for a name in some places only.
func (n names) hide(text string) string {
	byLength := func(a, b string) int { return cmp.Or(len(n[b])-len(n[a]), strings.Compare(a, b)) }
	for _, placeholder := range slices.SortedFunc(maps.Keys(n), byLength) {
		value := n[placeholder]
		switch placeholder {
		case "<organization>":
			for _, place := range []string{"%+nobody", "%/no-such", "accounts of %", "owner % ", "user % is", "enable %.", "robot \"%", "robot \\\"%", "if % is a person", "organization/%/robots"} {
				text = strings.ReplaceAll(text, strings.ReplaceAll(place, "%", value), strings.ReplaceAll(place, "%", placeholder))
			}
		case "<audience>":
			text = regexp.MustCompile(`([^-])audience `+regexp.QuoteMeta(value)+`\b`).ReplaceAllString(text, "${1}audience "+placeholder)
		default:
			if value != "" {
				text = strings.ReplaceAll(text, value, placeholder)
			}
		}
	}
	return text
}

// volatile is what differs from one run to the next.
var volatile = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`until \d\d:\d\d UTC \(\d+ minutes\)`), "until <time> (<lifetime>)"},
	{regexp.MustCompile(`expired \S+ ago, at \S+ \S+ UTC`), "expired <duration> ago, at <time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "<time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "<time>"},
	{regexp.MustCompile(`\d+ ms\b`), "<number> ms"},
	{regexp.MustCompile(`"milliseconds": \d+`), `"milliseconds": <number>`},
	{regexp.MustCompile(`<time>, in \w+`), "<time>, in <duration>"},
	{regexp.MustCompile(`trying again in (\d+m)?[\d.]+m?s`), "trying again in <wait>"},
	{regexp.MustCompile(`stream ID \d+`), "stream ID <number>"},
	{regexp.MustCompile(`(has|of) \d+ bytes`), "$1 <number> bytes"},
	{regexp.MustCompile(`at position \d+`), "at position <number>"}, // in a name
	{regexp.MustCompile(`this machine.s clock is about \S+ behind`), "this machine's clock is about <duration> behind"},
}

// said makes a program's words comparable: without the names of this Quay,
// this run, this ID token and this place.
func (q *contractQuay) said(text, idToken, authFile string) string {
	text = strings.ReplaceAll(text, authFile, "<authfile>")
	if kid := keyID(idToken); kid != "" {
		text = strings.NewReplacer("kid  "+kid, "kid  <kid>", "\n"+kid+"\n", "\n<kid>\n").Replace(text)
	}
	return steady(q.names.hide(text))
}

// steady takes out of a program's words what is another in each run.
func steady(words string) string {
	for _, row := range volatile {
		words = row.pattern.ReplaceAllString(words, row.replacement)
	}
	return words
}

func keyID(idToken string) string {
	first, _, _ := strings.Cut(idToken, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	var header struct{ Kid string }
	if err != nil || json.Unmarshal(text, &header) != nil {
		return ""
	}
	return header.Kid
}

var contractFolder = filepath.Join("..", "..", "testdata", "contract")

// golden compares the words with the file of the case in a folder, or writes it
// with -update, which needs a Quay of the first release that the case is about.
func golden(t *testing.T, q *contractQuay, c contractCase, folder, words string) {
	t.Helper()
	path := filepath.Join(contractFolder, folder, c.name+".golden")
	if *update {
		if q.modes == nil && q.release == c.releases()[0] {
			if err := os.WriteFile(path, []byte(words), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if want := string(mustRead(t, path)); words != want {
		t.Errorf("the program said:\n%s\nwant, by %s:\n%s", words, path, want)
	}
}

// TestGoldenWords holds the golden files to the table and to the form of an error: one
// line with the reason's code, the words of the other side, then indented paragraphs in
// 80 columns. On GitHub the first two are an annotation.
func TestGoldenWords(t *testing.T) {
	t.Parallel()
	exits := map[string]int{}
	for _, c := range contractCases() {
		if _, twice := exits[c.name]; twice {
			t.Errorf("two cases are named %s", c.name)
		}
		exits[c.name] = c.exit
	}
	form := regexp.MustCompile(`\A(?:[^\n]*\n)*?error: [^\n]* \[[a-z0-9-]+\]\n(?:       [^ \n][^\n]*\n)?(?:\n(?:  [^\n]+\n)+)*\z`)
	for file, text := range goldens(t, "") {
		exit, known := exits[file]
		if !known {
			t.Errorf("%s belongs to no case", file)
		}
		failed := strings.Contains("\n"+text, "\nerror: ")
		if failed != (exit != 0) {
			t.Errorf("%s: an error is told: %v, exit code %d", file, failed, exit)
		}
		if failed && !form.MatchString(text) {
			t.Errorf("%s is not in the form of an error:\n%s", file, text)
		}
	}
	onGitHub := regexp.MustCompile(`\A(?:(?:::warning |[^:#])[^\n]*\n)*::error title=quay-keyless::[^\n%]* \[[a-z0-9-]+\](?:%0A[^\n%]*)?\n(?:(?:  [^\n]*)?\n)*(?:---- the job summary:\n(?s:.*))?\z`)
	for file, text := range goldens(t, "github") {
		if exit, known := exits[file]; !known || exit == 0 {
			t.Errorf("github/%s belongs to no case that fails", file)
		}
		if !onGitHub.MatchString(text) {
			t.Errorf("github/%s is not in the form for GitHub:\n%s", file, text)
		}
	}
}

// goldens are the texts of the golden files in a folder, by their case's name.
func goldens(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(contractFolder, folder, "*.golden"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %q: %v", folder, err)
	}
	texts := map[string]string{}
	for _, file := range files {
		texts[strings.TrimSuffix(filepath.Base(file), ".golden")] = string(mustRead(t, file))
	}
	return texts
}
