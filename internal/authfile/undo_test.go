// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"path/filepath"
	"testing"
)

// A login that fails in a later step goes back to the one before it, not to what
// was there before the first.
func TestUndo(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "first"))
	first := read(t, f.Path())
	change, err := f.Set(t.Context(), login(host, "second"), login("new.example", "3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, first)
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
	wantNothingElse(t, f)
}

func TestUndoLeavesWhatOthersWrote(t *testing.T) {
	f := tempFile(t, before)
	change, err := f.Set(t.Context(), login(host, "1"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.Path(), `{"auths":{"other.example":{}}}`)
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, `{"auths":{"other.example":{}}}`)
}

func TestUndoOfANewFile(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "config.json"))
	change, err := f.Set(t.Context(), login(host, "1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, f, "{\n\t\"auths\": {}\n}\n")
	wantNothingElse(t, f)
}
