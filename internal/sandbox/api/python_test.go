// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"testing"
)

func TestPythonRepr(t *testing.T) {
	var value any
	if err := json.Unmarshal([]byte(`{"b": [1, 2.5, true, null], "a": "it's\n"}`), &value); err != nil {
		t.Fatal(err)
	}
	if got, want := pythonRepr(value), `{'a': 'it\'s\n', 'b': [1, 2.5, True, None]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPythonJSON(t *testing.T) {
	value := map[string]any{"b": []any{"é😀\n</x>", 1.5, nil}, "a": map[string]any{}}
	if got, want := pythonJSON(value), `{"a": {}, "b": ["\u00e9\ud83d\ude00\n</x>", 1.5, null]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
