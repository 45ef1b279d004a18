// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package credhelper_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/lookup"
	"quay-keyless/internal/ownfile"
)

// Root does not obey the settings that another user left in a folder where everybody
// may write, as that user's robot or private key could be used. A later step of a
// Tekton Task does, if it runs that user's own program.
func TestE2ESettingsOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("run this as root")
	}
	const stranger = 4002
	folder := t.TempDir()
	s := store(t, folder)
	set(t, s, nil, "acme+ci", host)
	if err := errors.Join(os.Chmod(folder, 0o777|os.ModeSticky), os.Chown(s.Path(), stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	_, err := credhelper.Find(at(in(folder)), host)
	if want := "settings file " + s.Path() + " belongs to user 4002, not to root"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	theirs := program(t, "1")
	if err := os.Chown(theirs, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	if _, err := credhelper.Find(lookup.Place{Getenv: in(folder), OS: "linux", Trust: ownfile.By(0, theirs)}, host); err != nil {
		t.Errorf("as that user's program: %v", err)
	}
	if err := errors.Join(os.Chown(s.Path(), 0, 0), os.Chown(folder, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	_, err = credhelper.Find(at(in(folder)), host)
	if want := "settings file " + s.Path() + " cannot be used safely: " + folder + " belongs to user 4002, not to root"; err == nil || err.Error() != want {
		t.Errorf("in another user's folder: error %v, want %s", err, want)
	}
}

// The folder that goes on PATH is not another user's, whose programs would run in the
// place of podman and docker.
func TestE2EFolderOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("run this as root")
	}
	const stranger = 4002
	shared, executable := t.TempDir(), program(t, "1")
	folder := filepath.Join(shared, "quay-keyless-bin")
	if err := errors.Join(os.Chmod(shared, 0o777|os.ModeSticky), os.Mkdir(folder, 0o777), os.Chown(folder, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	_, err := link(executable, folder).Install()
	for _, err := range []error{err, link(executable, folder).Check()} {
		if want := "putting docker-credential-quay-keyless into " + folder + ": " + folder + " belongs to user 4002, not to root"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	wantOnly(t, folder)
}
