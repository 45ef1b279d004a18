// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
)

func TestSettingsAreFoundAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	set(t, s, nil, "acme+ci", host, "b.example")
	got, err := credhelper.Find(at(in(folder)), host)
	if err != nil || !reflect.DeepEqual(got, settings("acme+ci")) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := credhelper.Find(at(in(folder)), "c.example"); !errors.Is(err, credhelper.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if info, err := os.Stat(s.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if program, err := s.Remove(t.Context(), nobody, host); err != nil || program != nil {
		t.Errorf("%v, %v", program, err)
	}
	if _, err := credhelper.Find(at(in(folder)), host); !errors.Is(err, credhelper.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Remove(t.Context(), nobody, "b.example", "never.example"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestMalformedSettingsAreNoForeignHost(t *testing.T) {
	t.Parallel()
	good := `"registry":"q","robot":"a+bc","audience":"quay","id-token-source":"github","timeout":"1s"`
	for name, test := range map[string]struct{ text, want string }{
		"empty":       {"", "is no JSON object"},
		"no object":   {"[]", "is no JSON object"},
		"null":        {"null", "has no version"},
		"cut":         {`{"version":1,"hosts":{`, "is no JSON object"},
		"no version":  {`{"hosts":{}}`, "has no version"},
		"newer":       {`{"version":2}`, "is of version 2, and this program knows 1"},
		"no hosts":    {`{"version":1,"hosts":null}`, "has no object"},
		"odd hosts":   {`{"version":1,"hosts":[]}`, "cannot be read: json"},
		"odd program": {`{"version":1,"hosts":{},"programs":7}`, "cannot be read: json"},
		"no robot":    {`{"version":1,"hosts":{"q":{"registry":"q"}}}`, "is wrong for q: it has no robot"},
		"no registry": {`{"version":1,"hosts":{"q":{}}}`, "it has no registry"},
		"no audience": {`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc"}}}`, "it has no audience"},
		"odd robot":   {`{"version":1,"hosts":{"q":{"robot":7}}}`, "cannot be read: json"},
		"no source":   {`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc","audience":"quay","timeout":"1s"}}}`, "it has 0 places for the ID token, not one"},
		"two sources": {`{"version":1,"hosts":{"q":{` + good + `,"id-token-file":"/x"}}}`, "it has 2 places"},
		"odd timeout": {`{"version":1,"hosts":{"q":{` + good + `,"timeout":"soon"}}}`, `it has a timeout "soon"`},
		"no timeout":  {`{"version":1,"hosts":{"q":{` + good + `,"timeout":""}}}`, `it has a timeout ""`},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, credhelper.FileName)
		write(t, path, test.text)
		_, err := credhelper.Find(at(in(folder)), "q")
		var known *credhelper.Error
		if !errors.As(err, &known) || !strings.HasPrefix(err.Error(), "settings file "+path+" ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: several lines: %q", name, err)
		}
	}
}

func TestVerificationIsTheDefault(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, filepath.Join(folder, credhelper.FileName),
		`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc","audience":"quay","id-token-env":"X","timeout":"1s"}}}`)
	got, err := credhelper.Find(at(in(folder)), "q")
	if err != nil || !got.TLSVerify {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFoldersAreThoseOfTheTools(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	variables := map[string]string{
		"HOME": root + "/home", "DOCKER_CONFIG": root + "/docker", "REGISTRY_AUTH_FILE": root + "/raf/any.json",
		"XDG_RUNTIME_DIR": root + "/run", "XDG_CONFIG_HOME": root + "/xdg",
	}
	getenv := func(name string) string { return variables[name] }
	want := []string{"/docker", "/raf", "/run/containers", "/xdg/containers", "/home/.config/containers", "/home/.docker"}
	for i := range want {
		want[i] = root + want[i]
	}
	if err := os.Mkdir(root+"/run", 0o700); err != nil {
		t.Fatal(err)
	}
	if got := credhelper.Folders(at(getenv)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i, folder := range want { // the first that has the host counts
		write(t, filepath.Join(want[len(want)-1-i], credhelper.FileName), fmt.Sprintf(
			`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+r%d","audience":"quay","id-token-env":"X","timeout":"1s"}}}`, i))
		got, err := credhelper.Find(at(getenv), "q")
		if err != nil || got.Robot != fmt.Sprintf("a+r%d", i) {
			t.Errorf("with %s: %+v, %v", folder, got, err)
		}
	}
	// One folder by two names, and a link: the settings are beside its target.
	target := filepath.Join(root, "target", "config.json")
	write(t, target, "{}")
	link := filepath.Join(root, "link.json")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	variables = map[string]string{"DOCKER_CONFIG": filepath.Dir(target), "REGISTRY_AUTH_FILE": link}
	place := at(getenv)
	place.UID = 1000 // root has a folder without a variable
	if got := credhelper.Folders(place); len(got) != 1 || filepath.Base(got[0]) != "target" {
		t.Errorf("%q", got)
	}
}

// Tools read no runtime folder on macOS and Windows, nor do they start with one of
// another user.
func TestFoldersWithoutARuntimeFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	variables := map[string]string{"HOME": root + "/home", "USERPROFILE": root + "/profile", "XDG_RUNTIME_DIR": root}
	for system, home := range map[string]string{"darwin": "/home", "windows": "/profile", "linux": "/home"} {
		place := at(func(name string) string { return variables[name] })
		place.OS, place.UID = system, 1000
		place.Owner = func(fs.FileInfo) int { return 1001 }
		want := []string{root + home + "/.config/containers", root + home + "/.docker"}
		if got := credhelper.Folders(place); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
}

func TestRootHasAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	if got := credhelper.Folders(lookup.Place{Getenv: none, OS: "linux"}); fmt.Sprint(got) != "[/run/containers/0]" {
		t.Errorf("root: %q", got)
	}
	if got := credhelper.Folders(lookup.Place{Getenv: none, UID: 1000, OS: "linux"}); len(got) > 0 {
		t.Errorf("another user: %q", got)
	}
}

// FuzzFind reads whatever stands in a settings file: there is an error of one
// line, or settings that can be written and read again.
func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc","audience":"quay","id-token-env":"X","timeout":"1s"}}}`))
	f.Add([]byte(`{"version":1,"hosts":{"q":{"x":[]}}}`))
	f.Add([]byte(`{"version":1,"hosts":{},"programs":[{"path":"/x"}]}`))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(folder, credhelper.FileName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := credhelper.Find(at(in(folder)), "q")
		var known *credhelper.Error
		switch {
		case errors.Is(err, credhelper.ErrNotFound):
		case errors.As(err, &known):
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("several lines: %q", err)
			}
		case err != nil:
			t.Errorf("error %T", err)
		default:
			if limit, err := got.Limit(); err != nil || limit <= 0 {
				t.Errorf("%+v", got)
			}
		}
	})
}
