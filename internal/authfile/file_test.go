// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
)

const before = `{"auths":{"` + host + `":{"auth":"b2xk"},"else.example":{}},"credsStore":"pass"}`

func TestLoginOverLoginKeepsTheFirstOldValue(t *testing.T) {
	f := tempFile(t, before)
	for _, token := range []string{"1", "2", "3", "3"} {
		mustSet(t, f, login(host, token))
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestLoginOverAnotherToolsLogin(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	theirs := strings.Replace(before, "b2xk", "dGhlaXJz", 1)
	write(t, f.Path(), theirs)
	mustSet(t, f, login(host, "2"))
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, theirs)
}

// A process that is killed between the record and the auth file leaves a record of a value
// that was never written.
func TestRecordAheadOfTheFile(t *testing.T) {
	for _, logins := range []int{0, 1, 2} {
		f := tempFile(t, before)
		for range logins {
			mustSet(t, f, login(host, "1"))
		}
		l, err := f.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, next, err := splice([]byte(read(t, f.Path())), l.record, []edit{{object: auths, key: host, value: login(host, "2").value()}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.save(next); err != nil {
			t.Fatal(err)
		}
		l.release()
		mustRestore(t, f, nil, host+": restored")
		wantText(t, f, before)
		wantNothingElse(t, f)
	}
}

// A process that is killed right after the write leaves a record that restores the file.
func TestRecordIsThereBeforeTheFileChanges(t *testing.T) {
	f := tempFile(t, before)
	crashed := tempFile(t, "")
	f.written = func() {
		write(t, crashed.Path(), read(t, f.Path()))
		write(t, crashed.recordPath(), read(t, f.recordPath()))
	}
	for _, token := range []string{"1", "2"} {
		mustSet(t, f, login(host, token))
		mustRestore(t, crashed, nil, host+": restored")
		wantText(t, crashed, before)
	}
	_, _, err := f.Restore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustRestore(t, crashed, nil, host+": restored")
	wantText(t, crashed, before)
}

// A file that is there keeps its mode, unless the user chose one. A new file is private.
func TestModes(t *testing.T) {
	for _, c := range []struct{ was, chosen, want os.FileMode }{
		{0o644, 0, 0o644}, {0o640, 0, 0o640}, {0o600, 0, 0o600}, {0o644, 0o600, 0o600}, {0o600, 0o640, 0o640}, {0, 0o644, 0o644},
	} {
		f := tempFile(t, `{}`)
		if err := os.Chmod(f.Path(), c.was); err != nil {
			t.Fatal(err)
		}
		if c.was == 0 {
			if err := os.Remove(f.Path()); err != nil {
				t.Fatal(err)
			}
		}
		f.Mode = c.chosen
		f.Keep = true
		change := mustSet(t, f, login(host, "1"))
		if got := mode(t, f.Path()); got != c.want || change.Exposed != (c.was == 0o644 && c.chosen == 0) {
			t.Errorf("%+v: the file's mode is %o, exposed: %t", c, got, change.Exposed)
		}
		mustRestore(t, f, nil, host+": removed")
		if got := mode(t, f.Path()); got != c.want {
			t.Errorf("%+v: the file's mode is %o after a logout", c, got)
		}
	}
	root := t.TempDir()
	f := open(t, filepath.Join(root, "a", "b", "config.json"))
	mustSet(t, f, login(host, "1"))
	for path, want := range map[string]os.FileMode{"a": 0o700, "a/b": 0o700, "a/b/config.json": 0o600} {
		if got := mode(t, filepath.Join(root, path)); got != want {
			t.Errorf("%s has mode %o", path, got)
		}
	}
}

func TestBadEntriesAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	good := login(host, "1")
	for name, bad := range map[string]Entry{
		"no key":     {User: "acme+ci", Token: good.Token},
		"space":      {Key: "quay example", User: "acme+ci", Token: good.Token},
		"not UTF-8":  {Key: "quay\xff", User: "acme+ci", Token: good.Token},
		"no user":    {Key: "a.example", Token: good.Token},
		"colon":      {Key: "a.example", User: "a:b", Token: good.Token},
		"no token":   {Key: "a.example", User: "acme+ci"},
		"same again": {Key: host, User: "acme+ci", Token: idtoken.NewSecret("2")},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, filepath.Join(t.TempDir(), "config.json"))
			_, err := f.Set(t.Context(), good, bad)
			wantReason(t, f, err, BadEntry)
			wantFiles(t, f)
		})
	}
}

// A process that was killed leaves its temporary file, which holds a token.
func TestTemporaryFilesOfTheDeadAreRemoved(t *testing.T) {
	f := tempFile(t, `{}`)
	write(t, f.recordPath()+".4711", "left")
	write(t, f.recordPath()+".4711.txt", "not ours")
	mustSet(t, f, login(host, "1"))
	wantFiles(t, f, ".config.json.quay-keyless", ".config.json.quay-keyless.4711.txt", ".config.json.quay-keyless.lock", "config.json")
}

// A logout removes it too, if it has nothing to put back and if there is no record at all.
func TestLogoutRemovesWhatAKilledLoginLeft(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		f := tempFile(t, before)
		if recorded { // but was killed before it wrote the auth file
			mustSet(t, f, login(host, "1"))
			write(t, f.Path(), before)
		}
		write(t, f.lockPath(), "")
		write(t, f.recordPath()+".4711", "left")
		if _, _, err := f.Restore(t.Context(), host); err != nil {
			t.Fatal(err)
		}
		wantText(t, f, before)
		wantNothingElse(t, f)
	}
}
