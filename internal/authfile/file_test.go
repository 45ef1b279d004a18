// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestRestoreLeavesAnotherToolsLogin(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	theirs := strings.Replace(before, "b2xk", "dGhlaXJz", 1)
	write(t, f.Path(), theirs)
	mustRestore(t, f, nil, host+": not ours")
	mustRestore(t, f, []string{host}, host+": unknown")
	wantText(t, f, theirs)
	wantNothingElse(t, f)
}

func TestRestoreOfWhatIsGone(t *testing.T) {
	for _, text := range []string{`{"auths":{}}`, `{}`, `{"auths":null}`} {
		f := tempFile(t, before)
		mustSet(t, f, login(host, "1"))
		write(t, f.Path(), text)
		mustRestore(t, f, nil, host+": gone")
		wantText(t, f, text)
		wantNothingElse(t, f)
	}
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, []string{host, "new.example"}, host+": gone", "new.example: nothing")
	wantFiles(t, f)
}

func TestRestoreWithoutState(t *testing.T) {
	f := tempFile(t, before)
	mustRestore(t, f, []string{host, "new.example"}, host+": unknown", "new.example: nothing")
	mustRestore(t, f, nil)
	wantText(t, f, before)
	wantNothingElse(t, f)
	missing := open(t, filepath.Join(t.TempDir(), "no", "folder", "config.json"))
	mustRestore(t, missing, []string{host}, host+": nothing")
	wantFiles(t, open(t, filepath.Dir(filepath.Dir(missing.Path()))))
}

func TestRestoreOfOneKeyLeavesTheOthers(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login("new.example/acme", "1"), login(host, "2"), login("else.example", "3"))
	mustRestore(t, f, []string{host}, host+": restored")
	mustRestore(t, f, nil, "else.example: restored", "new.example/acme: removed")
	wantText(t, f, before)
}

// Docker and podman indent the whole file anew whenever they write it.
func TestRestoreAfterAnotherToolReformats(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"), login("new.example", "2"))
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(read(t, f.Path())), "", "    "); err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), text.String())
	mustRestore(t, f, nil, "new.example: removed", host+": restored")
	if got, want := decode(t, []byte(read(t, f.Path()))), decode(t, []byte(before)); len(got) != 2 || string(got[host]) != string(want[host]) {
		t.Errorf("the file holds %q", got)
	}
}

// A process that dies between the state and the auth file leaves a state that
// speaks of a value that was never written.
func TestStateAheadOfTheFile(t *testing.T) {
	for _, logins := range []int{0, 1, 2} {
		f := tempFile(t, before)
		for range logins {
			mustSet(t, f, login(host, "1"))
		}
		l, err := acquire(t.Context(), f.statePath())
		if err != nil {
			t.Fatal(err)
		}
		_, next, err := splice([]byte(read(t, f.Path())), l.state(), []edit{{object: auths, key: host, value: login(host, "2").value()}})
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

// Whoever dies right after the write has left a state that leads back.
func TestStateIsThereBeforeTheFileChanges(t *testing.T) {
	f := tempFile(t, before)
	crashed := tempFile(t, "")
	f.written = func() {
		write(t, crashed.Path(), read(t, f.Path()))
		write(t, crashed.statePath(), read(t, f.statePath()))
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

// Other tools take no lock. Here one that read the file before us writes after us.
func TestWriteUndoneByAnotherTool(t *testing.T) {
	f := tempFile(t, before)
	undone := 0
	f.written = func() {
		if undone++; undone < maxWrites {
			write(t, f.Path(), before)
		}
	}
	if change := mustSet(t, f, login(host, "1"), login("new.example", "2")); change.Writes != maxWrites {
		t.Errorf("%d writes", change.Writes)
	}
	f.written = nil
	after := read(t, f.Path())
	undone = 0
	f.written = func() {
		if undone++; undone < maxWrites {
			write(t, f.Path(), after)
		}
	}
	mustRestore(t, f, nil, "new.example: removed", host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestWriteUndoneForEver(t *testing.T) {
	f := tempFile(t, before)
	f.written = func() { write(t, f.Path(), before) }
	_, err := f.Set(t.Context(), login(host, "1"))
	wantReason(t, f, err, Contended)
	f.written = nil
	mustSet(t, f, login(host, "1"))
	after := read(t, f.Path())
	f.written = func() { write(t, f.Path(), after) }
	_, _, err = f.Restore(t.Context())
	wantReason(t, f, err, Contended)
	f.written = nil
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}

func TestModes(t *testing.T) {
	f := tempFile(t, `{}`)
	if err := os.Chmod(f.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	mustSet(t, f, login(host, "1"))
	if got := mode(t, f.Path()); got != 0o600 {
		t.Errorf("the file's mode is %o", got)
	}
	root := t.TempDir()
	f = open(t, filepath.Join(root, "a", "b", "config.json"))
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
	write(t, f.statePath()+".4711", "left")
	write(t, f.statePath()+".4711.txt", "not ours")
	mustSet(t, f, login(host, "1"))
	wantFiles(t, f, ".config.json.quay-keyless", ".config.json.quay-keyless.4711.txt", "config.json")
}

// A login that fails in a later step goes back to the one before it, not to what
// was there before the first.
func TestUndo(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "first"))
	first := read(t, f.Path())
	change, err := f.Set(t.Context(), login(host, "second"), login("new.example", "3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, first)
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestUndoLeavesWhatOthersWrote(t *testing.T) {
	f := tempFile(t, before)
	change, err := f.Set(t.Context(), login(host, "1"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), `{"auths":{"other.example":{}}}`)
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, `{"auths":{"other.example":{}}}`)
}

func TestUndoOfANewFile(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "config.json"))
	change, err := f.Set(t.Context(), login(host, "1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, "{\n\t\"auths\": {}\n}\n")
	wantNothingElse(t, f)
}

// A registry stands for its organizations too.
func TestRestoreOfAHostTakesItsOrganizations(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login("new.example/acme", "1"), login("new.example/other", "2"), login("else.example/acme", "3"))
	mustRestore(t, f, []string{"new.example"}, "new.example: nothing", "new.example/acme: removed", "new.example/other: removed")
	mustRestore(t, f, nil, "else.example/acme: removed")
	wantText(t, f, before)
}

// Without a state, a restore of everything names what a login of ours may have
// left, and touches nothing.
func TestRestoreOfEverythingWithoutState(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
	f := tempFile(t, `{"auths":{"other.example":{"auth":"eDp5"}},"credHelpers":{"helped.example":"quay-keyless","else.example":"pass"}}`)
	mustSet(t, f, login(host, jwt))
	text := read(t, f.Path())
	if err := os.Remove(f.statePath()); err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, nil, "helped.example: unknown", host+": unknown")
	wantText(t, f, text)
}

// A tool that read the file before our write may rename its own over it after we
// looked: where somebody wrote moments ago, we look once more.
func TestSetOutlivesALateRename(t *testing.T) {
	f := tempFile(t, before)
	f.settling = 20 * time.Millisecond
	if err := os.Chtimes(f.Path(), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	f.settled = func() {
		f.settled = nil
		if err := os.WriteFile(f.Path(), []byte(before), 0o600); err != nil {
			t.Error(err)
		}
	}
	change := mustSet(t, f, login(host, "1"))
	if change.Writes != 2 || !strings.Contains(read(t, f.Path()), Credential("acme+ci", idtoken.NewSecret("1")).Reveal()) {
		t.Errorf("%d writes, the file holds %s", change.Writes, read(t, f.Path()))
	}
}

// Two jobs of one user log in under the same key: the later login stands, and
// neither job writes for ever.
func TestSetLeavesALaterLoginOfOurs(t *testing.T) {
	f := tempFile(t, before)
	if err := os.Chtimes(f.Path(), time.Now(), time.Now()); err != nil { // somebody writes here
		t.Fatal(err)
	}
	other := open(t, f.Path())
	f.settling = 20 * time.Millisecond
	f.settled = func() {
		f.settled = nil
		mustSet(t, other, login(host, "2"))
	}
	if change := mustSet(t, f, login(host, "1")); change.Writes != 1 || !strings.Contains(read(t, f.Path()), Credential("acme+ci", idtoken.NewSecret("2")).Reveal()) {
		t.Errorf("%d writes, the file holds %s", change.Writes, read(t, f.Path()))
	}

	// An earlier one that another tool puts back does not.
	earlier := read(t, f.Path())
	f.settled = func() {
		f.settled = nil
		write(t, f.Path(), earlier)
	}
	if change := mustSet(t, f, login(host, "3")); change.Writes != 2 || !strings.Contains(read(t, f.Path()), Credential("acme+ci", idtoken.NewSecret("3")).Reveal()) {
		t.Errorf("%d writes, the file holds %s", change.Writes, read(t, f.Path()))
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}
