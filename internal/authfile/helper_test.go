// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func mustSetHelper(t testing.TB, f *File, hosts ...string) Change {
	t.Helper()
	change, err := f.Set(t.Context(), helps(Hold{}, hosts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// helpers reads an auth file's credential helpers as Go's tools do.
func helpers(t testing.TB, text []byte) map[string]string {
	t.Helper()
	var file struct{ CredHelpers map[string]string }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return file.CredHelpers
}

// TestHelperGolden puts a helper into every form of auth file that is met in the
// wild, those of the static login's test and its own, and takes it out again.
func TestHelperGolden(t *testing.T) {
	static, err := filepath.Glob("testdata/login/*.before")
	if err != nil || len(static) < 30 {
		t.Fatalf("%d golden files, %v", len(static), err)
	}
	own, err := filepath.Glob("testdata/helper/own-*.before")
	if err != nil || len(own) < 5 {
		t.Fatalf("%d golden files, %v", len(own), err)
	}
	for _, file := range append(static, own...) {
		name := strings.TrimSuffix(filepath.Base(file), ".before")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, golden := read(t, file), filepath.Join("testdata", "helper", name+".after")
			f := tempFile(t, before)
			mustSetHelper(t, f, host)
			if *update {
				write(t, golden, read(t, f.Path()))
			}
			after := []byte(read(t, f.Path()))
			wantText(t, f, read(t, golden))
			if got := helpers(t, after)[host]; got != OwnHelper {
				t.Errorf("the tools ask %q", got)
			}
			if login, ok := decode(t, after)[host]; ok {
				t.Errorf("docker would fall back to %s", login)
			}
			result := Restored
			if _, ok := helpers(t, []byte(before))[host]; !ok && decode(t, []byte(before))[host] == nil {
				result = Removed
			}
			mustRestore(t, f, nil, host+": "+string(result))
			wantText(t, f, before)
			wantNothingElse(t, f)
		})
	}
}

func TestHelperInANewFile(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "new", "config.json"))
	mustSetHelper(t, f, host, "b.example:5000")
	wantText(t, f, "{\n\t\"auths\": {},\n\t\"credHelpers\": {\n\t\t\"quay.example\": \"quay-keyless\",\n\t\t\"b.example:5000\": \"quay-keyless\"\n\t}\n}\n")
	if got := mode(t, f.Path()); got != 0o600 {
		t.Errorf("mode %o", got)
	}
	mustRestore(t, f, []string{host}, host+": removed")
	mustRestore(t, f, nil, "b.example:5000: removed")
	wantFiles(t, f)
}

func TestHelperRefuses(t *testing.T) {
	f := tempFile(t, before)
	for _, hosts := range [][]string{{""}, {host, host}, {"a b"}, {host + "/acme"}, {"a\n"}} {
		_, err := f.Set(t.Context(), helps(Hold{}, hosts...)...)
		wantReason(t, f, err, BadEntry)
	}
	wantText(t, f, before)
	wantNothingElse(t, f)

	for _, text := range []string{`{"credHelpers":[]}`, `{"credHelpers":"pass"}`} {
		f := tempFile(t, text)
		wantReason(t, f, f.Check(), HelpersNotObject)
		_, err := f.Set(t.Context(), helps(Hold{}, host)...)
		wantReason(t, f, err, HelpersNotObject)
		wantText(t, f, text)
		wantNothingElse(t, f)
		_, err = f.Set(t.Context(), login(host, "1")) // no tool would find it
		wantReason(t, f, err, HelpersNotObject)
	}
}

func TestHelperIsKnownAsOurs(t *testing.T) {
	f := tempFile(t, beforeBoth)
	want := func(wantHelper string, wantOurs bool) {
		t.Helper()
		got := helpers(t, []byte(read(t, f.Path())))[host]
		ours, _, err := f.Helper(host, "")
		if err != nil || got != wantHelper || ours != wantOurs {
			t.Errorf("helper %q, ours %t, %v", got, ours, err)
		}
	}
	want("pass", false)
	mustSetHelper(t, f, host)
	want(OwnHelper, true)
	mustSet(t, f, login(host, "1"))
	want("", false)
	if _, _, err := f.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("pass", false)
}
