// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// knowing is a state with an old value of so many bytes.
func knowing(serial uint64, size int) state {
	return state{Version: stateVersion, Serial: serial, Objects: map[string]section{
		auths: {Was: wasAbsent, Keys: map[string]saved{host: {Old: bytes.Repeat([]byte("7"), size), Wrote: []string{"x"}}}},
	}}
}

func encoded(t testing.TB, s state) []byte {
	t.Helper()
	text, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTornState writes states of growing and shrinking size and cuts each write
// off after every byte: what can be read is always the state from before or
// the new one, and never nothing.
func TestTornState(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "config.json"))
	path := f.statePath()
	l, err := f.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.release()
	var before []byte
	old := state{}
	for i, size := range []int{10, 10, 5, 200, 3, 3, 2, 500, 100, 1} {
		next := knowing(uint64(i+1), size)
		if err := l.save(next); err != nil {
			t.Fatal(err)
		}
		text := encoded(t, next)
		for n := range len(text) {
			torn := slices.Clone(before)
			at := l.record.start
			torn = append(torn, make([]byte, max(0, at+n-len(torn)))...)
			copy(torn[at:], text[:n])
			got, _, err := parseState(torn)
			want := old
			if bytes.HasPrefix(torn[at:], text) { // what was to come stood there already
				want = next
			}
			if err != nil || !reflect.DeepEqual(got.state, want) {
				t.Fatalf("write %d cut off after %d bytes: %+v, %v, want %+v", i, n, got.state, err, want)
			}
		}
		before = []byte(read(t, path))
		got, _, err := parseState(before)
		if err != nil || !reflect.DeepEqual(got.state, next) {
			t.Fatalf("write %d: %+v, %v", i, got, err)
		}
		old = got.state
	}
	if len(before) > 2000 {
		t.Errorf("the state file grew to %d bytes", len(before))
	}
}

// FuzzState reads whatever stands in a state file: what it takes for a state
// it would write the same, and trash around a record hides nothing.
func FuzzState(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(encoded(f, knowing(1, 10)))
	f.Add(slices.Concat(encoded(f, knowing(2, 1)), []byte("torn"), encoded(f, knowing(1, 3))))
	f.Add(encoded(f, knowing(1, 10))[70:])
	f.Fuzz(func(t *testing.T, data []byte) {
		got, lost, err := parseState(data)
		if err != nil || lost {
			if got.end != 0 {
				t.Errorf("a record in spite of %v, %v", lost, err)
			}
			return
		}
		if got.end > 0 {
			again, _, err := parseState(encoded(t, got.state))
			if err != nil || !reflect.DeepEqual(again.state, got.state) {
				t.Errorf("%+v became %+v, %v", got.state, again.state, err)
			}
		}
		if bytes.HasSuffix(data, []byte("\n")) || len(data) == 0 {
			next := knowing(got.state.Serial+1, 4)
			found, _, err := parseState(slices.Concat(data, encoded(t, next), data))
			if next.Serial > 0 && (err != nil || !reflect.DeepEqual(found.state, next)) {
				t.Errorf("%+v, %v, want %+v", found.state, err, next)
			}
		}
	})
}

func TestDamagedStateIsLostButStopsNothing(t *testing.T) {
	before := `{"auths":{"` + host + `":{"auth":"b2xk"}}}`
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	after := read(t, f.Path())
	write(t, f.statePath(), read(t, f.statePath())[1:])

	if change := mustRestore(t, f, []string{host}, host+": unknown"); !change.StateLost {
		t.Error("nothing is said about the lost state")
	}
	wantText(t, f, after)
	wantNothingElse(t, f)

	write(t, f.statePath(), strings.Repeat("trash\n", 1000))
	if change := mustSet(t, f, login(host, "2")); !change.StateLost {
		t.Error("nothing is said about the lost state")
	}
	if change := mustRestore(t, f, nil, host+": restored"); change.StateLost {
		t.Error("the state is still lost after a login")
	}
	wantText(t, f, after)
}

// Whoever goes back to an older version of the program loses nothing: it does not
// touch a state of which it does not know all.
func TestStateOfAnotherVersion(t *testing.T) {
	for _, change := range []struct{ from, to string }{
		{`"version":1`, `"version":2`},
		{`"version":1`, `"version":1,"later":true`},
		{`"wrote":`, `"later":[{}],"wrote":`},
		{`"wrote":["x"]`, `"wrote":{"x":1}`},
	} {
		f := tempFile(t, `{}`)
		text := encoded(t, knowing(3, 4))
		text = encodedAs(t, bytes.Replace(text[65:len(text)-1], []byte(change.from), []byte(change.to), 1))
		text = slices.Concat(encoded(t, knowing(2, 4)), text)
		write(t, f.statePath(), string(text))
		_, err := f.Set(t.Context(), login(host, "1"))
		wantReason(t, f, err, StateVersion)
		_, _, err = f.Restore(t.Context())
		wantReason(t, f, err, StateVersion)
		wantReason(t, f, f.Check(), StateVersion)
		wantText(t, f, `{}`)
		if got := read(t, f.statePath()); got != string(text) {
			t.Errorf("%s: the state became %q", change.to, got)
		}
	}
}

// encodedAs is a record with any JSON.
func encodedAs(t *testing.T, text []byte) []byte {
	t.Helper()
	return slices.Concat([]byte(sha256Hex(text)), []byte(" "), text, []byte("\n"))
}

func TestStateHoldsNoToken(t *testing.T) {
	f := tempFile(t, `{"auths":{"`+host+`":{"auth":"b2xk"}}}`)
	for _, token := range []string{"secret-1", "secret-2"} {
		mustSet(t, f, login(host, token))
		text := read(t, f.statePath())
		credential := Credential("acme+ci", login(host, token).Token).Reveal()
		for _, secret := range []string{token, credential} {
			if strings.Contains(text, secret) {
				t.Errorf("the state holds %q: %s", secret, text)
			}
		}
	}
	if got := mode(t, f.statePath()); got != 0o600 {
		t.Errorf("the state's mode is %o", got)
	}
	if err := os.Chmod(f.statePath(), 0o644); err != nil {
		t.Fatal(err)
	}
	mustSet(t, f, login(host, "3"))
	if got := mode(t, f.statePath()); got != 0o600 {
		t.Errorf("the state's mode stays %o", got)
	}
}
