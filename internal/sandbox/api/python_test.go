// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func FuzzPythonJSON(f *testing.F) {
	for _, text := range []string{`{"a": ["é", "😀", "\u0000\"\\\n", null, true, 1.5], "b": {}}`, `[]`, `"</x>"`, `[[], {}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want, got any
		if json.Unmarshal(text, &want) != nil {
			return
		}
		written := pythonJSON(want)
		if err := json.Unmarshal([]byte(written), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s became %s: %v", text, written, err)
		}
		if strings.ContainsFunc(written, func(r rune) bool { return r > '~' || r < ' ' }) {
			t.Errorf("%q is not ASCII in one line", written)
		}
	})
}

func TestPythonRepr(t *testing.T) {
	var value any
	if err := json.Unmarshal([]byte(`{"b": [1, 2.5, true, null], "a": "it's\n"}`), &value); err != nil {
		t.Fatal(err)
	}
	if got, want := pythonRepr(value), `{'a': 'it\'s\n', 'b': [1, 2.5, True, None]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
