// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lockfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"

	"quay-keyless/internal/lockfile"
)

// Windows removes no open file, so there this cannot be seen.
func TestIsAt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	file := open(t, path)
	if !lockfile.IsAt(file, path) {
		t.Error("the file is not where it was opened")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if lockfile.IsAt(file, path) {
		t.Error("a removed file is there")
	}
	other := open(t, path)
	if lockfile.IsAt(file, path) || !lockfile.IsAt(other, path) {
		t.Error("another file of the same name is taken for the one that was opened")
	}
	for _, opened := range []*lockedfile.File{file, other} {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
	if lockfile.IsAt(other, path) {
		t.Error("a closed file is one")
	}
}
