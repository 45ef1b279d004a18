// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/platform"
)

// program is an executable that is not under the helper's name.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quay-keyless")
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// link is a place for a link, duplicate one for a copy.
func link(executable, folder string) credhelper.Place {
	return credhelper.Place{Executable: executable, Folder: folder, Trust: by(), Private: true}
}

func duplicate(executable, folder string, known ...credhelper.Installed) credhelper.Place {
	return credhelper.Place{Executable: executable, Folder: folder, Known: known}
}

// occupied reports whether the error tells how to remove another program.
func occupied(err error) bool {
	steps := platform.MessageOf(err).Steps
	return len(steps) == 2 && strings.HasPrefix(steps[0].Command, "rm ")
}

// wantOnly fails where the folder holds anything but the program.
func wantOnly(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != len(want) {
		t.Errorf("%v, %v, want %q", entries, err, want)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	executable := program(t, "1")
	folder := filepath.Join(t.TempDir(), "new", "bin")
	for i := range 2 { // the second finds it there
		p, err := link(executable, folder).Install()
		if err != nil || filepath.Dir(p.Path) != folder || p.Fresh != (i == 0) || !p.There() || !p.Private {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	wantOnly(t, folder, credhelper.Program)
	if got := text(t, filepath.Join(folder, credhelper.Program)); got != "1" {
		t.Errorf("it is %q", got)
	}
	if !credhelper.OnPath([]string{"/nowhere", folder}, executable) || credhelper.OnPath([]string{"/nowhere"}, executable) {
		t.Error("it is on PATH, or is not")
	}
	other := program(t, "2") // another version of the action, later in the job
	p, err := link(other, folder).Install()
	if err != nil || !p.Fresh || text(t, p.Path) != "2" {
		t.Fatalf("%+v, %v", p, err)
	}
	if credhelper.OnPath([]string{folder}, executable) {
		t.Error("another program on PATH was taken for this one")
	}
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder stays: %v", err)
	}
	if err := p.Remove(); err != nil {
		t.Errorf("twice: %v", err)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	executable := program(t, "1")
	folder := filepath.Join(t.TempDir(), "bin")
	first, err := duplicate(executable, folder).Install()
	if err != nil || !first.Fresh || first.Private {
		t.Fatalf("%+v, %v", first, err)
	}
	info, err := os.Lstat(first.Path)
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	wantOnly(t, folder, credhelper.Program)

	again, err := duplicate(executable, folder, *first).Install()
	if err != nil || again == nil || again.Fresh {
		t.Errorf("again: %+v, %v", again, err)
	}
	if not, err := duplicate(executable, folder).Install(); err != nil || not != nil {
		t.Errorf("what is there already was taken for ours: %+v, %v", not, err)
	}
	newer := program(t, "2")
	if _, err := duplicate(newer, folder).Install(); !occupied(err) {
		t.Errorf("over another program: %v", err)
	}
	second, err := duplicate(newer, folder, *first).Install()
	if err != nil || !second.Fresh || text(t, second.Path) != "2" {
		t.Fatalf("over our own: %+v, %v", second, err)
	}
	if err := first.Remove(); err != nil || text(t, second.Path) != "2" {
		t.Errorf("the first took the second away: %v", err)
	}
	if err := second.Remove(); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, folder)
}

func TestRemoveLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p, err := duplicate(program(t, "1"), folder).Install()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(); err != nil || text(t, p.Path) != "theirs" {
		t.Errorf("%v", err)
	}
	linked := filepath.Join(t.TempDir(), "bin")
	l, err := link(program(t, "1"), linked).Install()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(linked, "docker-credential-other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Remove(); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, linked, "docker-credential-other")
}

func TestTheProgramsComeBackWithTheLastHost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := store(t, folder)
	put := &credhelper.Installed{Path: "/x/" + credhelper.Program, Target: "/y", Private: true}
	newer := &credhelper.Installed{Path: put.Path, Target: "/newer", Private: true}
	second := &credhelper.Installed{Path: "/second/" + credhelper.Program, SHA256: "1"}
	set(t, s, put, "acme+ci", host)
	set(t, s, newer, "acme+ci", host)
	set(t, s, second, "acme+ci", host)
	set(t, s, nil, "acme+ci", "b.example")
	want := fmt.Sprint([]credhelper.Installed{*newer, *second})
	if got, err := s.Programs(); err != nil || fmt.Sprint(got) != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.Remove(t.Context(), nobody, host); err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := s.Remove(t.Context(), nobody, "b.example"); err != nil || fmt.Sprint(got) != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// One login into two folders puts one program somewhere: it goes with the last.
func TestTheProgramStaysForOtherSettings(t *testing.T) {
	t.Parallel()
	one, two := store(t, t.TempDir()), store(t, t.TempDir())
	put := &credhelper.Installed{Path: "/x/" + credhelper.Program, Target: "/y", Holders: []string{one.Path(), two.Path()}}
	set(t, one, put, "acme+ci", host)
	set(t, two, put, "acme+ci", host)
	if got, err := one.Remove(t.Context(), nobody, host); err != nil || len(got) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := two.Remove(t.Context(), nobody, host); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheckLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	executable, folder := program(t, "1"), t.TempDir()
	below := filepath.Join(folder, "new", "bin")
	if err := errors.Join(duplicate(executable, below).Check(), link(executable, below).Check()); err != nil {
		t.Error(err)
	}
	wantOnly(t, folder)
	file := program(t, "2")
	if duplicate(executable, filepath.Join(file, "bin")).Check() == nil || link(executable, file).Check() == nil {
		t.Error("a file was taken for a folder")
	}
	p, err := duplicate(executable, folder).Install()
	if err != nil {
		t.Fatal(err)
	}
	if err := duplicate(executable, folder).Check(); err != nil {
		t.Errorf("it is there: %v", err)
	}
	if err := duplicate(file, folder).Check(); !occupied(err) {
		t.Errorf("over another program: %v", err)
	}
	if err := duplicate(file, folder, *p).Check(); err != nil {
		t.Errorf("over our own: %v", err)
	}
}

// The folder goes on PATH: what others could write, or have written, is not believed.
func TestLinkInAFolderThatOthersWrote(t *testing.T) {
	t.Parallel()
	executable, folder := program(t, "1"), filepath.Join(t.TempDir(), "bin")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chmod(folder, 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := link(executable, folder).Install(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(folder, "podman"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := link(executable, folder).Install()
	for _, err := range []error{err, link(executable, folder).Check()} {
		if want := "putting docker-credential-quay-keyless into " + folder + ": " + filepath.Join(folder, "podman") + " was not put there by quay-keyless"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What a killed login left beside the program goes with the next login that puts one
// there, or with the logout.
func TestLeftByKilledLogin(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "bin")
	leave := func() {
		t.Helper()
		left := filepath.Join(folder, "."+credhelper.Program+".123")
		old := time.Now().Add(-48 * time.Hour) // which counts on Windows
		if err := errors.Join(os.MkdirAll(left, 0o700), os.WriteFile(filepath.Join(left, "program"), nil, 0o700), os.Chtimes(left, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := link(program(t, "1"), folder).Install(); err != nil {
		t.Fatal(err)
	}
	leave()
	p, err := link(program(t, "2"), folder).Install()
	if err != nil {
		t.Fatal(err)
	}
	wantOnly(t, folder, credhelper.Program)
	leave()
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there still: %v", err)
	}
}
