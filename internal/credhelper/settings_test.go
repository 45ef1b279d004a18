// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"quay-keyless/internal/credhelper"
)

const host = "quay.example:8443"

// settings are those of a GitHub job.
func settings(robot string) credhelper.Settings {
	return credhelper.Settings{
		Registry: host, Robot: robot, Audience: "quay", Source: "github",
		CA: "-----BEGIN CERTIFICATE-----\n", TLSVerify: true, Timeout: "1m30s",
	}
}

func store(t *testing.T, folder string) *credhelper.Store {
	t.Helper()
	s, err := credhelper.Beside(filepath.Join(folder, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set keeps settings for hosts and gives what takes them back.
func set(t *testing.T, s *credhelper.Store, program *credhelper.Installed, robot string, hosts ...string) func(context.Context) error {
	t.Helper()
	all := map[string]credhelper.Settings{}
	for _, host := range hosts {
		all[host] = settings(robot)
	}
	undo, err := s.Set(t.Context(), all, program)
	if err != nil {
		t.Fatal(err)
	}
	return undo
}

// in is an environment whose DOCKER_CONFIG is the folder.
func in(folder string) func(string) string {
	return func(name string) string { return map[string]string{"DOCKER_CONFIG": folder}[name] }
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSettingsAreFoundAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	set(t, s, nil, "acme+ci", host, "b.example")
	got, err := credhelper.Find(in(folder), 1000, os.ReadFile, host)
	if err != nil || !reflect.DeepEqual(got, settings("acme+ci")) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := credhelper.Find(in(folder), 1000, os.ReadFile, "c.example"); !errors.Is(err, credhelper.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if info, err := os.Stat(s.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if program, err := s.Remove(t.Context(), host); err != nil || program != nil {
		t.Errorf("%v, %v", program, err)
	}
	if _, err := credhelper.Find(in(folder), 1000, os.ReadFile, host); !errors.Is(err, credhelper.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Remove(t.Context(), "b.example", "never.example"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestUnknownFieldsStay(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	write(t, s.Path(), `{"version":1,"later":{"a":[1]},"hosts":{"else.example":{"odd":true},
		"`+host+`":{"registry":"old","robot":"acme+old","id-token-file":"/old","ca-certificate":"old","new":"kept","timeout":"1s"}}}`)
	plain := settings("acme+ci")
	plain.CA = ""
	if _, err := s.Set(t.Context(), map[string]credhelper.Settings{host: plain}, nil); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Later json.RawMessage
		Hosts map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(text(t, s.Path())), &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Later) == "" || got.Hosts["else.example"]["odd"] != true || got.Hosts[host]["new"] != "kept" {
		t.Errorf("lost in %s", text(t, s.Path()))
	}
	if found, err := credhelper.Find(in(folder), 1000, os.ReadFile, host); err != nil || !reflect.DeepEqual(found, plain) {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	if err := set(t, s, nil, "acme+ci", host)(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	set(t, s, nil, "acme+one", host)
	before := text(t, s.Path())
	if err := set(t, s, nil, "acme+two", host)(t.Context()); err != nil || text(t, s.Path()) != before {
		t.Errorf("%s, %v", text(t, s.Path()), err)
	}
	undo := set(t, s, nil, "acme+two", host)
	set(t, s, nil, "acme+three", "b.example")
	theirs := text(t, s.Path())
	if err := undo(t.Context()); err != nil || text(t, s.Path()) != theirs {
		t.Errorf("another's write was undone: %s, %v", text(t, s.Path()), err)
	}
}

func TestParallelLoginsKeepAllSettings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var logins sync.WaitGroup
	for i := range 40 {
		logins.Go(func() {
			s, err := credhelper.Beside(filepath.Join(folder, "config.json"))
			if err == nil {
				_, err = s.Set(t.Context(), map[string]credhelper.Settings{fmt.Sprintf("q%d.example", i): settings("acme+ci")}, nil)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	logins.Wait()
	for i := range 40 {
		if _, err := credhelper.Find(in(folder), 1000, os.ReadFile, fmt.Sprintf("q%d.example", i)); err != nil {
			t.Errorf("%d: %v", i, err)
		}
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
		"odd hosts":   {`{"version":1,"hosts":[]}`, "has no object"},
		"odd program": {`{"version":1,"hosts":{},"programs":7}`, "has programs that are none"},
		"no robot":    {`{"version":1,"hosts":{"q":{"registry":"q"}}}`, "is wrong for q: it has no robot"},
		"no registry": {`{"version":1,"hosts":{"q":{}}}`, "it has no registry"},
		"no audience": {`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc"}}}`, "it has no audience"},
		"odd robot":   {`{"version":1,"hosts":{"q":{"robot":7}}}`, "is wrong for q: json"},
		"no source":   {`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc","audience":"quay","timeout":"1s"}}}`, "it has 0 places for the ID token, not one"},
		"two sources": {`{"version":1,"hosts":{"q":{` + good + `,"id-token-file":"/x"}}}`, "it has 2 places"},
		"odd timeout": {`{"version":1,"hosts":{"q":{` + good + `,"timeout":"soon"}}}`, `it has a timeout "soon"`},
		"no timeout":  {`{"version":1,"hosts":{"q":{` + good + `,"timeout":""}}}`, `it has a timeout ""`},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, credhelper.FileName)
		write(t, path, test.text)
		_, err := credhelper.Find(in(folder), 1000, os.ReadFile, "q")
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
	got, err := credhelper.Find(in(folder), 1000, os.ReadFile, "q")
	if err != nil || !got.TLSVerify {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSetWritesNothingWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	for _, spoil := range []func(*credhelper.Settings){
		func(s *credhelper.Settings) { s.Source = "" },
		func(s *credhelper.Settings) { s.Timeout = "0s" },
		func(s *credhelper.Settings) { s.Robot = "" },
	} {
		wrong := settings("acme+ci")
		spoil(&wrong)
		var known *credhelper.Error
		if _, err := s.Set(t.Context(), map[string]credhelper.Settings{host: wrong}, nil); !errors.As(err, &known) {
			t.Errorf("error %v", err)
		}
	}
	for _, before := range []string{`{"version":2,"x":1}`, "text"} {
		write(t, s.Path(), before)
		if _, err := s.Set(t.Context(), map[string]credhelper.Settings{host: settings("acme+ci")}, nil); err == nil {
			t.Errorf("%s was written over", before)
		}
		if _, err := s.Remove(t.Context(), host); err == nil {
			t.Errorf("%s was removed", before)
		}
		if got := text(t, s.Path()); got != before {
			t.Errorf("%s became %s", before, got)
		}
	}
}

func TestStoreErrorsNameTheSettingsFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	if err := os.Mkdir(s.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.Set(t.Context(), map[string]credhelper.Settings{host: settings("acme+ci")}, nil)
	if want := "settings file " + s.Path() + " is a folder"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
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
	if got := credhelper.Folders(getenv, 1000); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i, folder := range want { // the first that has the host counts
		write(t, filepath.Join(want[len(want)-1-i], credhelper.FileName), fmt.Sprintf(
			`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+r%d","audience":"quay","id-token-env":"X","timeout":"1s"}}}`, i))
		got, err := credhelper.Find(getenv, 1000, os.ReadFile, "q")
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
	if got := credhelper.Folders(getenv, 1000); len(got) != 1 || filepath.Base(got[0]) != "target" {
		t.Errorf("%q", got)
	}
}

// FuzzFind reads whatever stands in a settings file: there is an error of one
// line, or settings that can be written and read again.
func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"version":1,"hosts":{"q":{"registry":"q","robot":"a+bc","audience":"quay","id-token-env":"X","timeout":"1s"}}}`))
	f.Add([]byte(`{"version":1,"hosts":{"q":{"x":[]}}}`))
	f.Add([]byte(`{"version":1,"hosts":{},"programs":[{"path":"/x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		readFile := func(string) ([]byte, error) { return data, nil }
		got, err := credhelper.Find(in("/x"), 1000, readFile, "q")
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
