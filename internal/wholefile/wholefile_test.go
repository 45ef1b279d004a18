// SPDX-License-Identifier: Apache-2.0

package wholefile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/wholefile"
)

const prefix = ".text.ours."

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "text")
	for text, mode := range map[string]fs.FileMode{"": 0o600, "private": 0o600, "group": 0o640, "everybody": 0o666} {
		put(t, path, strings.Repeat("old", 100))
		if err := wholefile.Write(path, prefix, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("the text is %q, not %q, %v", got, text, err)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != mode {
			t.Errorf("the mode of %q: %v, %v", text, info, err)
		}
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"text"}) {
		t.Errorf("the folder has %q", got)
	}
}

// What cannot be replaced stays, and nothing is left beside it.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "text")
	if err := os.MkdirAll(filepath.Join(path, "in it"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Write(path, prefix, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if err := wholefile.Write(filepath.Join(folder, "missing", "text"), prefix, nil, 0o600); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
	if got := names(t, folder); !slices.Equal(got, []string{"text"}) {
		t.Errorf("the folder has %q", got)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stay := []string{".text.ours", ".text.ours.", ".text.ours.12a", ".text.theirs.12", "text.ours.12"}
	for _, name := range append([]string{".text.ours.12", ".text.ours.4294967295"}, stay...) {
		put(t, filepath.Join(folder, name), "")
	}
	wholefile.Sweep(folder, prefix)
	if got := names(t, folder); !slices.Equal(got, stay) {
		t.Errorf("the folder has %q, not %q", got, stay)
	}
	wholefile.Sweep(filepath.Join(folder, "missing"), prefix)
}
