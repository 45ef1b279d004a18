// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"quay-keyless/internal/credhelper"
)

// Docker's config.json and an auth.json may stand in one folder.
func TestAHostStaysForItsOtherAuthFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var stores []*credhelper.Store
	for _, name := range []string{"config.json", "auth.json", "gone.json"} {
		path := filepath.Join(folder, name)
		write(t, path, "{}")
		s, err := credhelper.Beside(path, by())
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, nil, "acme+ci", host)
		set(t, s, nil, "acme+ci", host) // twice is once
		stores = append(stores, s)
	}
	if err := os.Remove(filepath.Join(folder, "gone.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := stores[0].Remove(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	if got, err := credhelper.Find(in(folder), 1000, by(), host); err != nil || !reflect.DeepEqual(got, settings("acme+ci")) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := stores[1].Remove(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stores[1].Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
}

func TestOddHoldersHoldNothing(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`7`, `null`, `[]`, `"text"`, `{"holders":7}`, `{"holders":null}`, `{"holders":["/nowhere/config.json"]}`} {
		s := store(t, t.TempDir())
		write(t, s.Path(), fmt.Sprintf(`{"version":1,"hosts":{%q:%s}}`, host, odd))
		set(t, s, nil, "acme+ci", host)
		if _, err := s.Remove(t.Context(), host); err != nil {
			t.Errorf("%s: %v", odd, err)
		}
		if _, err := os.Stat(s.Path()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the file stays: %v", odd, err)
		}
	}
}

func TestRootHasAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	if got := credhelper.Folders(none, 0); fmt.Sprint(got) != "[/run/containers/0]" {
		t.Errorf("root: %q", got)
	}
	if got := credhelper.Folders(none, 1000); len(got) > 0 {
		t.Errorf("another user: %q", got)
	}
}
