// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

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
