// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustSetHelper(t testing.TB, f *File, hosts ...string) Change {
	t.Helper()
	change, err := f.SetHelper(t.Context(), Hold{}, hosts...)
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
	if err != nil || len(static) < 35 {
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

// beforeBoth has a login and a foreign helper for the host.
const beforeBoth = `{"auths":{"a":{}, "` + host + `": {"auth":"b2xk"} , "z":{}},"credHelpers":{"` + host + `":"pass","else.example":""}}`

func TestHelperAndLoginKeepTheFirstOldValues(t *testing.T) {
	static := func(t *testing.T, f *File) { mustSet(t, f, login(host, "secret")) }
	helped := func(t *testing.T, f *File) { mustSetHelper(t, f, host) }
	for name, steps := range map[string][]func(*testing.T, *File){
		"helper over login":               {static, helped},
		"login over helper":               {helped, static},
		"helper over helper":              {helped, helped},
		"login over helper over login":    {static, helped, static},
		"helper over login over helper":   {helped, static, helped},
		"again and again":                 {helped, helped, static, static, helped, helped, static},
		"helper at last":                  {static, static, helped, static, helped},
		"login with a token of an hour's": {helped, static, static},
	} {
		for _, before := range []string{`{}`, `{"auths":null}`, "{\n  \"auths\": {}\n}\n", before, beforeBoth, `{"x":1}`} {
			t.Run(name, func(t *testing.T) {
				f := tempFile(t, before)
				for _, step := range steps {
					step(t, f)
					wantOneOfBoth(t, f)
				}
				if _, _, err := f.Restore(t.Context(), host); err != nil {
					t.Fatal(err)
				}
				wantText(t, f, before)
				wantNothingElse(t, f)
			})
		}
	}
}

// wantOneOfBoth fails where the host has a login and our helper, or where the
// state holds what opens a registry.
func wantOneOfBoth(t *testing.T, f *File) {
	t.Helper()
	text := []byte(read(t, f.Path()))
	_, static := decode(t, text)[host]
	if helped := helpers(t, text)[host] == OwnHelper; static == helped && (static || helpers(t, text)[host] == "") {
		t.Errorf("login %t and helper %t in %s", static, helped, text)
	}
	kept := read(t, f.statePath())
	for _, secret := range []string{"secret", Credential("acme+ci", login(host, "secret").Token).Reveal()} {
		if strings.Contains(kept, secret) {
			t.Errorf("the state holds %q", secret)
		}
	}
	s, err := f.peek()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range s.Objects {
		for _, known := range part.Keys {
			for _, text := range append(pieces(known), known.Old) {
				if bytes.Contains(text, login(host, "secret").value()) {
					t.Errorf("the state keeps our own login: %s", text)
				}
			}
		}
	}
}

func pieces(known saved) [][]byte {
	var texts [][]byte
	for _, piece := range known.Parked {
		texts = append(texts, piece.Text)
	}
	return texts
}

// A user may have named our helper in an image: a login takes it out, as it would
// win, and puts it back. Another's helper is for the caller to tell of.
func TestLoginOverAHelperOfTheUsers(t *testing.T) {
	before := `{"credHelpers":{"else.example":"quay-keyless","` + host + `" : "quay-keyless"}}`
	f := tempFile(t, before)
	mustSet(t, f, login(host, "secret"))
	wantOneOfBoth(t, f)
	if got := helpers(t, []byte(read(t, f.Path())))["else.example"]; got != OwnHelper {
		t.Errorf("the helper of another host is %q", got)
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)

	before = `{"credHelpers":{"` + host + `":"pass"}}`
	f = tempFile(t, before)
	mustSet(t, f, login(host, "secret"))
	if got := helpers(t, []byte(read(t, f.Path())))[host]; got != "pass" {
		t.Errorf("another's helper is %q", got)
	}
	mustRestore(t, f, nil, host+": removed")
	wantText(t, f, before)
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
	wantText(t, f, "{\n\t\"auths\": {}\n}\n")
	wantNothingElse(t, f)
}

func TestRestoreAfterOtherToolsWrote(t *testing.T) {
	for name, test := range map[string]struct{ now, want, result string }{
		"podman logout --all": {
			`{"auths":{}}`,
			`{"auths":{"` + host + `": {"auth":"b2xk"}}}`, "restored",
		},
		"another helper": {
			`{"auths":{"a":{}},"credHelpers":{"` + host + `":"theirs"}}`,
			`{"auths":{"a":{},"` + host + `": {"auth":"b2xk"}},"credHelpers":{"` + host + `":"theirs"}}`, "not ours",
		},
		"another login": {
			`{"auths":{"` + host + `":{"auth":"dGhlaXJz"}},"credHelpers":{"` + host + `":"quay-keyless"}}`,
			`{"auths":{"` + host + `":{"auth":"dGhlaXJz"}}}`, "not ours",
		},
		"the neighbours left": {
			`{"auths":{"new":{"auth":""}},"credHelpers":{"` + host + `":"quay-keyless"}}`,
			`{"auths":{"new":{"auth":""},"` + host + `":{"auth":"b2xk"}}}`, "restored",
		},
		"all is gone": {
			`{"credHelpers":{"` + host + `" : "quay-keyless"}}`,
			`{"auths":{"` + host + `":{"auth":"b2xk"}}}`, "restored",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := tempFile(t, `{"auths":{"a":{},"`+host+`":{"auth":"b2xk"},"z":{}}}`)
			mustSetHelper(t, f, host)
			write(t, f.Path(), test.now)
			mustRestore(t, f, nil, host+": "+test.result)
			got := read(t, f.Path())
			if compact(t, got) != compact(t, test.want) {
				t.Errorf("%s became %s, want %s", test.now, got, test.want)
			}
			wantNothingElse(t, f)
		})
	}
}

// compact also drops an empty credHelpers, which another tool's writing may have
// left where there was none before.
func compact(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(strings.Replace(out.String(), `"credHelpers":{},`, "", 1), `,"credHelpers":{}`, "", 1)
}

func TestHelperRefuses(t *testing.T) {
	f := tempFile(t, before)
	for _, hosts := range [][]string{{""}, {host, host}, {"a b"}, {host + "/acme"}, {"a\n"}} {
		_, err := f.SetHelper(t.Context(), Hold{}, hosts...)
		wantReason(t, f, err, BadEntry)
	}
	wantText(t, f, before)
	wantNothingElse(t, f)

	for _, text := range []string{`{"credHelpers":[]}`, `{"credHelpers":"pass"}`} {
		f := tempFile(t, text)
		wantReason(t, f, f.CheckHelper(), HelpersNotObject)
		_, err := f.SetHelper(t.Context(), Hold{}, host)
		wantReason(t, f, err, HelpersNotObject)
		wantText(t, f, text)
		wantNothingElse(t, f)
		mustSet(t, f, login(host, "1")) // a login needs no helpers
		mustRestore(t, f, nil, host+": removed")
	}
}

func TestHelperIsKnownAsOurs(t *testing.T) {
	f := tempFile(t, beforeBoth)
	want := func(wantHelper string, wantOurs bool) {
		t.Helper()
		got, ours, err := f.Helper(host)
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

func TestRewrite(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "new", "settings.json"))
	rewrite := func(wantOld, text string) {
		t.Helper()
		err := f.Rewrite(t.Context(), func(old []byte) ([]byte, error) {
			if string(old) != wantOld || (old == nil) != (wantOld == "") {
				t.Errorf("old text %q, want %q", old, wantOld)
			}
			if text == "" {
				return nil, nil
			}
			return []byte(text), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rewrite("", "one")
	rewrite("one", "two")
	wantText(t, f, "two")
	wantNothingElse(t, f)
	if got := mode(t, f.Path()); got != 0o600 {
		t.Errorf("mode %o", got)
	}
	refused := errors.New("no")
	if err := f.Rewrite(t.Context(), func([]byte) ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	rewrite("two", "")
	rewrite("", "")
	if _, err := os.Lstat(f.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	wantFiles(t, f)
}

// FuzzHelper puts a helper for two hosts into whatever is an auth file, in place
// of logins there, and takes both out again in either order.
func FuzzHelper(f *testing.F) {
	for _, pattern := range []string{"testdata/login/*.before", "testdata/helper/*.before"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, true)
		}
	}
	f.Add([]byte(`{"auths":{"quay.example":1,"b":2,"quay.example":3}}`), false)
	f.Fuzz(func(t *testing.T, before []byte, order bool) {
		list, err := helperEdits(Hold{}, []string{host, "b"})
		if err != nil {
			t.Fatal(err)
		}
		text, s, err := splice(before, state{}, list)
		if err != nil {
			for _, object := range objects {
				if _, invalid := parse(before, object); invalid != nil {
					return
				}
			}
			t.Fatalf("%q: %v", before, err)
		}
		if !holds(text, list) {
			t.Fatalf("%q became %q", before, text)
		}
		keys := []string{host, "b"}
		if order {
			keys = []string{"b", host}
		}
		back := text
		for _, key := range keys {
			if back, _, err = unsplice(back, s, []string{key}); err != nil {
				t.Fatal(err)
			}
			s = s.without(auths, []string{key}).without(credHelpers, []string{key})
		}
		if order && !bytes.Equal(back, before) {
			t.Errorf("%q became %q and then %q", before, text, back)
		}
		if !sameFile(t, back, before) {
			t.Errorf("%q became %q and then %q", before, text, back)
		}
	})
}

// sameFile compares what the tools decode.
func sameFile(t *testing.T, a, b []byte) bool {
	t.Helper()
	read := func(text []byte) string {
		var file struct {
			Auths       map[string]json.RawMessage
			CredHelpers map[string]json.RawMessage
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, object := range []map[string]json.RawMessage{file.Auths, file.CredHelpers} {
			for key, value := range object {
				var small bytes.Buffer
				if json.Compact(&small, value) == nil {
					object[key] = small.Bytes()
				}
			}
		}
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return read(a) == read(b)
}
