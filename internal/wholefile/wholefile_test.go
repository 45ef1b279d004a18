// SPDX-License-Identifier: Apache-2.0

package wholefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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

// Replace does not copy the mode and the owner of a link or a folder.
func TestReplaceOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "text")
	put(t, path, "old")
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{link, filepath.Dir(path)} {
		info, err := os.Lstat(other)
		if err != nil {
			t.Fatal(err)
		}
		if err := wholefile.Replace(path, prefix, info, []byte("new"), 0, func() error { return nil }); err == nil {
			t.Errorf("a file was replaced as if it was %s", info.Mode())
		}
	}
	if text, err := os.ReadFile(path); string(text) != "old" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// Who can write in the folder can put another file under the temporary name. That one does
// not get the path.
func TestTemporaryFileSwapped(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string]func(temporary string) error{
		"removed": func(string) error { return nil },
		"a file":  func(temporary string) error { return os.WriteFile(temporary, []byte("theirs"), 0o666) },
		"a link":  func(temporary string) error { return os.Symlink("theirs", temporary) },
	} {
		path := filepath.Join(t.TempDir(), "text")
		put(t, path, "old")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		err = wholefile.Replace(path, prefix, info, []byte("new"), 0, func() error {
			temporary := filepath.Join(filepath.Dir(path), names(t, filepath.Dir(path))[0])
			return errors.Join(os.Rename(temporary, temporary+".away"), swap(temporary))
		})
		if err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("%s: the error is %v", name, err)
		}
		if text, err := os.ReadFile(path); string(text) != "old" {
			t.Errorf("%s: the file holds %q, %v", name, text, err)
		}
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

// abandon makes a file that a killed writer left.
func abandon(t *testing.T, path string) {
	t.Helper()
	put(t, path, "")
	old := time.Now().Add(-48 * time.Hour) // which counts on Windows
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	stay := []string{".text.ours", ".text.ours.", ".text.ours.12a", ".text.theirs.12", "text.ours.12"}
	for _, name := range append([]string{".text.ours.12", ".text.ours.4294967295"}, stay...) {
		abandon(t, filepath.Join(folder, name))
	}
	wholefile.Sweep(folder, prefix)
	if got := names(t, folder); !slices.Equal(got, stay) {
		t.Errorf("the folder has %q, not %q", got, stay)
	}
	wholefile.Sweep(filepath.Join(folder, "missing"), prefix)
}

// A writer removes what killed ones left, and takes nothing from those at work.
func TestWriteBesideOthers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	abandon(t, filepath.Join(folder, prefix+"12"))
	slow, err := wholefile.Create(filepath.Join(folder, "text"), prefix)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, folder); len(got) != 1 || got[0] == prefix+"12" {
		t.Fatalf("the folder has %q", got)
	}
	put(t, filepath.Join(folder, "other"), "old")
	if err := wholefile.Write(filepath.Join(folder, "other"), prefix, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := slow.Commit([]byte("slow"), 0o600); err != nil {
		t.Errorf("another writer took its file away: %v", err)
	}
	if got := names(t, folder); !slices.Equal(got, []string{"other", "text"}) {
		t.Errorf("the folder has %q", got)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "text")
	for _, commit := range []bool{false, true} {
		file, err := wholefile.Create(path, prefix)
		if err == nil && commit {
			err = file.Commit([]byte("new"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		file.Discard()
		file.Discard()
		if got := names(t, filepath.Dir(path)); (len(got) == 1) != commit {
			t.Errorf("committed: %t, and the folder has %q", commit, got)
		}
	}
}

// Writers in one folder that all sweep each other's files lose none.
func TestWriteInParallel(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			path := filepath.Join(folder, strconv.Itoa(i))
			for range 10 {
				if err := wholefile.Write(path, prefix, []byte("text"), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if got := names(t, folder); len(got) != 8 {
		t.Errorf("the folder has %q", got)
	}
}

// A folder goes with what is in it: when its maker is done, or in a later sweep.
func TestFolder(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	left := filepath.Join(in, prefix+"7")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	abandon(t, filepath.Join(left, "program"))
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	path, remove, err := wholefile.Folder(in, prefix)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(path, "program"), "new")
	wholefile.Sweep(in, prefix)
	if got := names(t, in); !slices.Equal(got, []string{filepath.Base(path)}) {
		t.Errorf("the folder has %q", got)
	}
	remove()
	if got := names(t, in); len(got) != 0 {
		t.Errorf("the folder has %q", got)
	}
	if _, _, err := wholefile.Folder(filepath.Join(in, "missing"), prefix); err == nil {
		t.Error("it is in a folder that is not there")
	}
}
