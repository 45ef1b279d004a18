// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"strings"
	"testing"
)

// The record holds what was there before, and nothing that opens a registry by our
// login. Only its owner can read it.
func TestRecordHoldsNoToken(t *testing.T) {
	f := tempFile(t, before)
	for _, token := range []string{"secret-1", "secret-2"} {
		mustSet(t, f, login(host, token))
		text := read(t, f.recordPath())
		credential := Credential("acme+ci", login(host, token).Token).Reveal()
		for _, secret := range []string{token, credential} {
			if strings.Contains(text, secret) {
				t.Errorf("the record holds %q: %s", secret, text)
			}
		}
		for _, path := range []string{f.recordPath(), f.lockPath()} {
			if got := mode(t, path); got != 0o600 {
				t.Errorf("%s has mode %o", path, got)
			}
		}
	}
}

// In a closed folder the record's file stays after a logout, without keys. The next login
// does not take it for a damaged one.
func TestEmptyRecord(t *testing.T) {
	f := tempFile(t, before)
	write(t, f.recordPath(), string(emptyFile))
	if change := mustRestore(t, f, []string{host}, host+": unknown"); change.RecordLost {
		t.Error("a logout takes it for a damaged record")
	}
	write(t, f.recordPath(), string(emptyFile))
	if change := mustSet(t, f, login(host, "1")); change.RecordLost {
		t.Error("a login takes it for a damaged record")
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}

// A damaged record is said, and stops neither a logout nor the next login.
func TestDamagedRecordIsLostButStopsNothing(t *testing.T) {
	for name, damage := range map[string]func(text string) string{
		"torn":         func(text string) string { return text[:len(text)/2] },
		"empty object": func(string) string { return "{}" },
		"not JSON":     func(string) string { return strings.Repeat("trash\n", 1000) },
		"other JSON":   func(string) string { return `{"auths":{}}` },
		"a list":       func(string) string { return `[1]` },
	} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, before)
			mustSet(t, f, login(host, "1"))
			after := read(t, f.Path())
			write(t, f.recordPath(), damage(read(t, f.recordPath())))
			if change := mustRestore(t, f, []string{host}, host+": unknown"); !change.RecordLost {
				t.Error("nothing is said about the lost record")
			}
			wantText(t, f, after)
			wantNothingElse(t, f)

			write(t, f.recordPath(), damage("{ }"))
			if change := mustSet(t, f, login(host, "2")); !change.RecordLost {
				t.Error("nothing is said about the lost record")
			}
			if change := mustRestore(t, f, nil, host+": restored"); change.RecordLost {
				t.Error("the record is still lost after a login")
			}
			wantText(t, f, after)
		})
	}
}

// A user who goes back to an older version of the program loses nothing: it does not
// touch a record that it does not understand whole.
func TestRecordOfAnotherVersion(t *testing.T) {
	for _, change := range []struct{ from, to string }{
		{`"version": 2`, `"version": 3`},
		{`"version": 2`, `"version": 2, "later": true`},
		{`"wrote": [`, `"later": 1, "wrote": [`},
		{`"object": "auths"`, `"object": 1`},
	} {
		f := tempFile(t, before)
		mustSet(t, f, login(host, "1"))
		after := read(t, f.Path())
		later := strings.Replace(read(t, f.recordPath()), change.from, change.to, 1)
		write(t, f.recordPath(), later)
		_, set := f.Set(t.Context(), login(host, "2"))
		_, _, restore := f.Restore(t.Context())
		for _, err := range []error{set, restore, f.Check()} {
			wantReason(t, f, err, RecordVersion)
		}
		wantText(t, f, after)
		if got := read(t, f.recordPath()); got != later {
			t.Errorf("%s: the record became %q", change.to, got)
		}
	}
}

// FuzzRecord reads any text as a record: what is understood is written the same again.
func FuzzRecord(f *testing.F) {
	auth := tempFile(f, before)
	if _, err := auth.Set(f.Context(), helps(Hold{By: "job", From: at(0), Until: at(60)}, host)...); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(auth.recordPath())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":2,"keys":[{"was":"","at":-1,"len":2}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, lost, err := decodeRecord(text)
		if err != nil || lost || len(r.Keys) == 0 {
			return
		}
		once, err := r.encode()
		if err != nil {
			return // a time that JSON cannot hold
		}
		again, lost, err := decodeRecord(once)
		if err != nil || lost {
			t.Fatalf("%q became %q: %v", text, once, err)
		}
		if twice, err := again.encode(); err != nil || string(twice) != string(once) {
			t.Errorf("%q became %q, %v", once, twice, err)
		}
		if _, _, err := unsplice([]byte(before), r); err != nil && !isReason(err, Duplicate) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// A login of an older version is undone by this one, but not byte for byte.
func TestRecordOfAnOlderVersion(t *testing.T) {
	f := tempFile(t, `{"auths":{"else.example":{}},"credHelpers":{"quay.example":"quay-keyless"}}`)
	write(t, f.recordPath(), `{"version":1,"wrote":"`+sha256Hex([]byte(read(t, f.Path())))+`","empty":{"credHelpers":null},"keys":[
		{"object":"auths","key":"quay.example","old":"eyJhdXRoIjoiYjJ4ayJ9","cut":{"text":"IA=="},"wrote":[""]},
		{"object":"credHelpers","key":"quay.example","wrote":["`+digest(Quote(OwnHelper))+`"]}]}`)
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, `{"auths":{"else.example":{},"quay.example":{"auth":"b2xk"}},"credHelpers":{}}`)
	wantNothingElse(t, f)
}
