// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
)

// FuzzHelper puts a helper for two hosts into whatever is an auth file, in place
// of logins there, and takes both out again in either order.
func FuzzHelper(f *testing.F) {
	for _, pattern := range []string{"testdata/login/*.before", "testdata/helper/*.before"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%d golden files, %v", len(files), err)
		}
		for _, file := range files {
			f.Add([]byte(read(f, file)), true)
		}
	}
	f.Add([]byte(`{"auths":{"quay.example":1,"b":2,"quay.example":3}}`), false)
	f.Fuzz(func(t *testing.T, before []byte, order bool) {
		list, err := edits(helps(Hold{}, host, "b"))
		if err != nil {
			t.Fatal(err)
		}
		text, r, err := splice(before, record{}, list)
		if err != nil {
			for _, object := range objects {
				if _, invalid := parse(before, object); invalid != nil {
					return
				}
			}
			t.Fatalf("%q: %v", before, err)
		}
		if !kept(text, record{}, list) {
			t.Fatalf("%q became %q", before, text)
		}
		keys := []string{host, "b"}
		if order {
			keys = []string{"b", host}
		}
		back := text
		for _, key := range keys {
			if back, r, err = unsplice(back, r, key); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(back, before) {
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
