// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityClaims holds docs/security.md to the tests and scripts that it names.
func TestSecurityClaims(t *testing.T) {
	root := filepath.Join("..", "..")
	var tests strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.Write(mustRead(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page := string(mustRead(t, filepath.Join(root, "docs", "security.md")))
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(t *testing.T)") {
			t.Errorf("docs/security.md names the test %s, which is not there", name[1])
		}
	}
	for _, script := range regexp.MustCompile("script `(\\w+)`").FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join(root, "testdata", "script", script[1]+".txtar")); err != nil {
			t.Error(err)
		}
	}
}
