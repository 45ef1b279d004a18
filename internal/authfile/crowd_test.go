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
