// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/idtoken"
)

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

// A tool that read the file before our write may rename its own over it after we
// looked: where somebody wrote moments ago, we look once more.
func TestSetOutlivesALateRename(t *testing.T) {
	f := tempFile(t, before)
	f.settling, f.recent = 20*time.Millisecond, time.Hour
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
	f.settling, f.recent = 20*time.Millisecond, time.Hour
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

// A tool may take long over its file where many share a CPU, and may leave one where
// it was killed.
func TestSettleWaitsForFilesUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		age, until time.Duration // of the file: what it has behind it, and what is left to it
		want       time.Duration
	}{
		"none":            {0, 0, settling},
		"soon in place":   {0, 600 * time.Millisecond, 3 * settling},
		"never in place":  {0, time.Hour, settlings * settling},
		"of a tool gone":  {time.Minute, time.Hour, settling},
		"nearly given up": {recent - 3*settling/2, time.Hour, 2 * settling},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := tempFile(t, before)
			f.settling = settling
			other := filepath.Join(filepath.Dir(f.Path()), ".tmp-config.json123")
			write(t, other, before)
			made := time.Now().Add(-c.age)
			if err := os.Chtimes(other, made, made); err != nil {
				t.Fatal(err)
			}
			over := time.AfterFunc(c.until, func() { _ = os.Remove(other) })
			defer over.Stop()
			synctest.Wait()
			start := time.Now()
			if err := f.settle(t.Context()); err != nil || time.Since(start) != c.want {
				t.Errorf("%s: it waited %s, want %s (%v)", name, time.Since(start), c.want, err)
			}
		})
	}
}

// A tool that read the file before a logout may rename its own over it afterwards, with
// our login in it: the logout removes it again, and keeps what else the tool wrote.
func TestRestoreOutlivesALateRename(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	late := strings.Replace(read(t, f.Path()), `"else.example":{}`, `"else.example":{},"late.example":{}`, 1)
	f.settling, f.recent = 20*time.Millisecond, time.Hour
	f.settled = func() {
		f.settled = nil
		write(t, f.Path(), late)
	}
	if change := mustRestore(t, f, nil, host+": restored"); !change.BroughtBack {
		t.Error("nothing is said about the other tool")
	}
	wantText(t, f, strings.Replace(before, `"else.example":{}`, `"else.example":{},"late.example":{}`, 1))
	wantNothingElse(t, f)
}

// What a logout put back, another tool may remove right after it. If that tool writes back
// what we wrote, that is undone whole.
func TestRestoreLeavesWhatIsRemovedLater(t *testing.T) {
	for name, c := range map[string]struct {
		login       func(f *File) (Change, error)
		before, out string // out is without what the login replaced
	}{
		"helper over a login": {
			func(f *File) (Change, error) { return f.Set(t.Context(), helps(Hold{}, host)...) },
			before, `{"auths":{"else.example":{}},"credsStore":"pass"}`,
		},
		"login over a helper": {
			func(f *File) (Change, error) { return f.Set(t.Context(), login(host, "1")) },
			`{"auths":{"else.example":{}},"credHelpers":{"` + host + `":"quay-keyless","else.example":"pass"}}`,
			`{"auths":{"else.example":{}},"credHelpers":{"else.example":"pass"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, back := range []bool{false, true} {
				f := tempFile(t, c.before)
				if _, err := c.login(f); err != nil {
					t.Fatal(err)
				}
				later, want := c.out, c.out
				if back {
					later, want = read(t, f.Path()), c.before
				}
				f.settling, f.recent = 20*time.Millisecond, time.Hour
				f.settled = func() {
					f.settled = nil
					write(t, f.Path(), later)
				}
				if change := mustRestore(t, f, nil, host+": restored"); change.BroughtBack != back {
					t.Errorf("%+v", change)
				}
				wantText(t, f, want)
				wantNothingElse(t, f)
			}
		})
	}
}

// Somebody who logs in right after a logout stays logged in.
func TestRestoreLeavesALaterLogin(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	other := open(t, f.Path())
	f.settling, f.recent = 20*time.Millisecond, time.Hour
	f.settled = func() {
		f.settled = nil
		mustSet(t, other, login(host, "1"))
	}
	if change := mustRestore(t, f, nil, host+": restored"); change.BroughtBack || !strings.Contains(read(t, f.Path()), "YWNtZStjaTox") {
		t.Errorf("%+v, the file holds %s", change, read(t, f.Path()))
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}

// A login waits for other tools only if there is a sign of one, or of another process of
// ours that logs in at the same time. Our own logins and logouts before it are none.
func TestSetWaitsForOthersOnly(t *testing.T) {
	now := func(f *File) { // as a file that was written just now
		if err := os.Chtimes(f.Path(), time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	foreign := func(f *File) {
		write(t, f.Path(), strings.Replace(read(t, f.Path()), "else.example", "late.example", 1))
		now(f)
	}
	beside := func(name string, age time.Duration) func(f *File) {
		return func(f *File) {
			path, at := filepath.Join(f.dir(), name), time.Now().Add(-age)
			write(t, path, before)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		meanwhile []func(f *File)
		waits     bool
	}{
		"nobody writes":                {},
		"after our own login":          {[]func(f *File){func(f *File) { mustSet(t, f, login(host, "1")) }}, false},
		"after our own and theirs":     {[]func(f *File){func(f *File) { mustSet(t, f, login(host, "1")) }, foreign}, true},
		"after theirs and our own":     {[]func(f *File){foreign, func(f *File) { mustSet(t, f, login(host, "1")) }}, true},
		"after theirs":                 {[]func(f *File){foreign}, true},
		"podman is about to write":     {[]func(f *File){beside(".tmp-config.json123", 0)}, true},
		"docker is about to write":     {[]func(f *File){beside("config.json123", 0)}, true},
		"podman was killed long ago":   {[]func(f *File){beside(".tmp-config.json123", 2*time.Hour)}, false},
		"a file that is not a tool's":  {[]func(f *File){beside("config.json.backup", 0)}, false},
		"after our own, days ago":      {[]func(f *File){func(f *File) { mustSet(t, f, login(host, "1")); write(t, f.Path(), read(t, f.Path())) }}, false},
		"beside another login of ours": {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tempFile(t, before)
			f.recent = time.Hour
			early := open(t, f.Path())
			for _, do := range c.meanwhile {
				do(f)
			}
			login1 := open(t, f.Path())
			if name == "beside another login of ours" {
				mustSet(t, f, login(host, "1"))
				login1, early.opened = early, early.opened.Add(-time.Minute) // files have coarse times
			}
			waited := false
			login1.recent, login1.settling, login1.settled = time.Hour, time.Millisecond, func() { waited = true }
			if mustSet(t, login1, login("new.example", "2")); waited != c.waits {
				t.Errorf("it waited: %t, want %t", waited, c.waits)
			}
			if c.waits {
				return
			}
			login1 = open(t, f.Path())
			login1.recent, login1.settling, login1.settled = time.Hour, time.Millisecond, func() { waited = true }
			if mustRestore(t, login1, []string{"new.example"}, "new.example: removed"); waited {
				t.Error("the logout waited")
			}
		})
	}
}
