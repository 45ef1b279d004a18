// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^[ ]*```.*?^[ ]*```[ ]*$")
	inline  = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]*)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *$`)
	abroad  = regexp.MustCompile(`^(?:https?|mailto):`)
)

// Each link of a page to a file of the repository, or to a heading of a page,
// leads there.
func TestLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		text := inline.ReplaceAllString(fence.ReplaceAllString(read(t, page), ""), "")
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if abroad.MatchString(found[1]) {
				continue
			}
			links++
			if problem := dangling(t, page, found[1]); problem != "" {
				t.Errorf("%s: %s: %s", page, found[1], problem)
			}
		}
	}
	if links < 50 {
		t.Errorf("found %d links only", links)
	}
}

// notOurs are folders of what was made or downloaded.
var notOurs = []string{".git", "bin", "dist", "node_modules", "venv"}

// pages are the repository's, by their paths in it.
func pages(t *testing.T) []string {
	t.Helper()
	var list []string
	root := os.DirFS(filepath.Join("..", ".."))
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(notOurs, entry.Name()):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			list = append(list, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// dangling says what is wrong with a link, "" if nothing is.
func dangling(t *testing.T, page, target string) string {
	t.Helper()
	file, anchor, anchored := strings.Cut(target, "#")
	if file == "" {
		file = page
	} else {
		file = filepath.Join(filepath.Dir(page), file)
	}
	if strings.HasPrefix(file, "..") {
		return "leads out of the repository"
	}
	if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
		return "is not there"
	}
	if anchored && !anchors(read(t, file))[anchor] {
		return "has no such heading"
	}
	return ""
}

// anchors are those that GitHub gives the headings of a page: their words in
// lower case without punctuation, joined by hyphens, and numbered where they
// come again.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, id := range matches(text, `<a id="([a-z0-9-]+)"></a>`) {
		all[id] = true
	}
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		words := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(found[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, words)
		name := anchor
		for n := 1; all[name]; n++ {
			name = fmt.Sprintf("%s-%d", anchor, n)
		}
		all[name] = true
	}
	return all
}
