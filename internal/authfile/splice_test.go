// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestGolden logs in to and out of one auth file for every form of key and
// entry that is met in the wild. Each .before file becomes the .after file, and
// then, byte for byte, the .before file again.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/login/*.before")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".before")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			before := read(t, file)
			f := tempFile(t, before)
			mustSet(t, f, login(host, "robot-token"))
			if *update {
				write(t, name+".after", read(t, f.Path()))
			}
			wantText(t, f, read(t, name+".after"))
			// As the tools decode it.
			if got := decode(t, []byte(read(t, f.Path())))[host]; !strings.Contains(string(got), `"YWNtZStjaTpyb2JvdC10b2tlbg=="`) {
				t.Errorf("the tools read %s", got)
			}
			result := Restored
			if decode(t, []byte(before))[host] == nil {
				result = Removed
			}
			mustRestore(t, f, nil, host+": "+string(result))
			wantText(t, f, before)
			wantNothingElse(t, f)
		})
	}
}

// decode reads the logins of an auth file as Go's tools do.
func decode(t testing.TB, text []byte) map[string]json.RawMessage {
	t.Helper()
	var file struct {
		Auths map[string]json.RawMessage `json:"auths"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return file.Auths
}

// fields reads everything but the logins.
func fields(t testing.TB, text []byte) map[string]json.RawMessage {
	t.Helper()
	var file map[string]json.RawMessage
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for name := range file {
		if strings.EqualFold(name, auths) {
			delete(file, name)
		}
	}
	return file
}

// FuzzSplice sets a key in whatever is an auth file, compares all else as
// encoding/json reads it, and takes the key out again.
func FuzzSplice(f *testing.F) {
	files, err := filepath.Glob("testdata/login/*.before")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, host)
	}
	f.Add([]byte(`{"auths":{"a":1e5,"b":-0 ,"c":"\"}"},"\u0061uths":{"d":[{}]}}`), "a\"\\<b")
	f.Fuzz(func(t *testing.T, before []byte, key string) {
		value := []byte(`{"auth":"bWU6b3VycyE="}`)
		list := []edit{{object: auths, key: key, value: value}}
		after, r, err := splice(before, record{}, list)
		if err != nil || !utf8.ValidString(key) || before == nil {
			return
		}
		wantOnly(t, before, after, key, value)
		if back, _, err := unsplice(after, r); err != nil || !bytes.Equal(back, before) {
			t.Errorf("%q became %q, and then not the first again but %q, %v", before, after, back, err)
		}
	})
}

// wantOnly fails where anything but the one value differs.
func wantOnly(t *testing.T, before, after []byte, key string, value []byte) {
	t.Helper()
	want, got := decode(t, before), decode(t, after)
	if digest(got[key]) != digest(value) {
		t.Errorf("%q: %q has %q", after, key, got[key])
	}
	if want == nil {
		want = map[string]json.RawMessage{}
	}
	delete(want, key)
	delete(got, key)
	if !reflect.DeepEqual(want, got) {
		t.Errorf("other logins were %q, are %q", want, got)
	}
	if want, got := fields(t, before), fields(t, after); !reflect.DeepEqual(want, got) {
		t.Errorf("other fields were %q, are %q", want, got)
	}
}

// FuzzSeveral logs in under three keys and out in any order.
func FuzzSeveral(f *testing.F) {
	f.Add([]byte(`{}`), uint8(0))
	f.Add([]byte("{\n  \"auths\": {\n    \"b\": {}\n  }\n}"), uint8(3))
	f.Add([]byte(`{"auths":null,"x":1}`), uint8(5))
	orders := [][]string{{"a", "b", "c"}, {"a", "c", "b"}, {"b", "a", "c"}, {"b", "c", "a"}, {"c", "a", "b"}, {"c", "b", "a"}}
	f.Fuzz(func(t *testing.T, before []byte, order uint8) {
		var list []edit
		for _, key := range []string{"a", "b", "c"} {
			list = append(list, edit{object: auths, key: key, value: []byte(`{"auth":"x"}`)})
		}
		text, r, err := splice(before, record{}, list)
		if err != nil || !kept(text, record{}, list) {
			if invalid := checkText(before); invalid == nil {
				t.Fatalf("%q became %q, %v", before, text, err)
			}
			return
		}
		for _, key := range orders[int(order)%len(orders)] {
			if text, r, err = unsplice(text, r, key); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(text, before) {
			t.Errorf("%q became %q", before, text)
		}
	})
}

// unsplice removes our values under these keys, or all, from the text and the record.
func unsplice(text []byte, r record, keys ...string) ([]byte, record, error) {
	base, r, err := r.strip(text, r)
	if err != nil {
		return nil, record{}, err
	}
	return r.only(func(s saved) bool { return keys != nil && !slices.Contains(keys, s.Key) }).apply(base)
}

func TestNewFileLooksLikeDockers(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "config.json"))
	mustSet(t, f, login("a.example", "1"), login("b.example:5000", "2"))
	wantText(t, f, "{\n\t\"auths\": {\n"+
		"\t\t\"a.example\": {\n\t\t\t\"auth\": \"YWNtZStjaTox\"\n\t\t},\n"+
		"\t\t\"b.example:5000\": {\n\t\t\t\"auth\": \"YWNtZStjaToy\"\n\t\t}\n\t}\n}\n")
	mustRestore(t, f, nil, "a.example: removed", "b.example:5000: removed")
	wantFiles(t, f)
}
