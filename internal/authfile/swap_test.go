// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// swap is a login between whose reading and writing others do something with the file.
func swap(t *testing.T, f *File, others func()) (Change, error) {
	t.Helper()
	list, err := edits([]Entry{login(host, "1")})
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte, r record) ([]byte, record, error) {
		if kept(text, r, list) {
			return text, r, nil
		}
		others()
		return splice(text, r, list)
	}
	change, err := f.run(t.Context(), task{first: write, again: write, ahead: true})
	return change, located(f.path, err)
}

// move renames a file.
func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A write in place must not write into another file, which somebody put into the place of
// the one that was read.
func TestOverwriteOnlyWhatWasRead(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, path string){
		"the same text in another file": func(t *testing.T, path string) { write(t, path, before) },
		"another text":                  func(t *testing.T, path string) { write(t, path, `{"auths":{}}`) },
		"a link": func(t *testing.T, path string) {
			write(t, path+".target", before)
			if err := os.Symlink(path+".target", path); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"nothing": func(*testing.T, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, before)
			old, err := f.look()
			if err != nil {
				t.Fatal(err)
			}
			move(t, f.Path(), f.Path()+".away")
			put(t, f.Path())
			now, _ := os.ReadFile(f.Path())
			if err := overwrite(f.Path(), old, []byte(`{"auths":{"stolen":{}}}`), 0o644); !errors.Is(err, errChanged) {
				t.Errorf("the error is %v", err)
			}
			if got, _ := os.ReadFile(f.Path()); string(got) != string(now) {
				t.Errorf("the other file holds %q", got)
			}
			if info, err := os.Stat(f.Path()); err == nil && info.Mode().Perm() == 0o644 {
				t.Error("the other file has another mode")
			}
		})
	}
	f := tempFile(t, before)
	old, err := f.look()
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), `{"auths":{"theirs.example":{}}}`)
	if err := overwrite(f.Path(), old, []byte(before), 0); !errors.Is(err, errChanged) {
		t.Errorf("another tool's write was lost: %v", err)
	}
}

// Root logs in to a user's auth file, and the user puts a link there to one that only root
// can read: no login from there may reach the user's folder.
func TestLinkAfterOpen(t *testing.T) {
	link := func(f *File) {
		secret := filepath.Join(t.TempDir(), "secret.json")
		write(t, secret, `{"auths":{"secret.example":{"auth":"c2VjcmV0"}}}`)
		if err := errors.Join(os.Remove(f.Path()), os.Symlink(secret, f.Path())); err != nil {
			t.Fatal(err)
		}
	}
	wantRefused := func(f *File, err error) {
		t.Helper()
		wantReason(t, f, err, NotRegular)
		if info, err := os.Lstat(f.Path()); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link was replaced: %v", err)
		}
		if text := read(t, f.Path()); strings.Contains(text, "YWNtZStjaTox") {
			t.Errorf("the login is in the link's target: %s", text)
		}
	}
	early := tempFile(t, before)
	link(early)
	wantReason(t, early, early.Check(), NotRegular)
	_, err := early.Set(t.Context(), login(host, "1"))
	wantRefused(early, err)

	late := tempFile(t, before)
	_, err = swap(t, late, func() { link(late) })
	wantRefused(late, err)
	wantNothingElse(t, late)
}

// Another tool creates the file after we saw that it is missing.
func TestFileCreatedMeanwhile(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "config.json"))
	late := false
	if _, err := swap(t, f, func() {
		if !late {
			write(t, f.Path(), `{"auths":{"late.example":{}}}`)
		}
		late = true
	}); err != nil {
		t.Fatal(err)
	}
	if logins := decode(t, []byte(read(t, f.Path()))); logins["late.example"] == nil || logins[host] == nil {
		t.Errorf("the file holds %s", read(t, f.Path()))
	}
	mustRestore(t, f, nil, host+": removed")
	wantText(t, f, `{"auths":{"late.example":{}}}`)
}

// The record has old passwords: they must not get into a file that somebody put there.
func TestRecordSwapped(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login("new.example", "1"))
	known := read(t, f.recordPath())
	_, err := swap(t, f, func() {
		move(t, f.recordPath(), f.recordPath()+".away")
		write(t, f.recordPath(), known)
	})
	wantReason(t, f, err, Untrusted)
	if got := read(t, f.recordPath()); got != known {
		t.Errorf("the record is %s", got)
	}
	if got := decode(t, []byte(read(t, f.Path())))[host]; string(got) != `{"auth":"b2xk"}` {
		t.Errorf("without a record, the file got %s", got)
	}
}
