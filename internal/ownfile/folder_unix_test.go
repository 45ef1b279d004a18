// SPDX-License-Identifier: Apache-2.0

//go:build unix

package ownfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"quay-keyless/internal/ownfile"
)

// A private folder is made, or found and closed to others.
func TestPrivate(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]fs.FileMode{"missing": 0, "private": 0o700, "open": 0o777, "closed": 0o500} {
		path := filepath.Join(t.TempDir(), "above", "private")
		if mode != 0 {
			if err := errors.Join(os.MkdirAll(path, 0o700), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
		}
		if err := ours().CheckPrivate(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := ours().Private(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// What another user can have put in the folder's place, or can put there, is refused
// and left as it is.
func TestPrivateRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make   func(path string) error
		trust  ownfile.Trust
		reason ownfile.Reason
	}{
		"another user":         {func(path string) error { return os.Mkdir(path, 0o777) }, ownfile.Trust{Files: theirs().Files, Folders: ours().Folders}, ownfile.Foreign},
		"below another user's": {func(string) error { return nil }, theirs(), ownfile.Foreign},
		"link":                 {func(path string) error { return os.Symlink(".", path) }, ours(), ownfile.Link},
		"file":                 {func(path string) error { return makeFile(path, 0o600) }, ours(), ownfile.NoFolder},
	} {
		path := filepath.Join(t.TempDir(), "private")
		if err := c.make(path); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		for _, err := range []error{c.trust.CheckPrivate(path), c.trust.Private(path)} {
			var fault *ownfile.Error
			if !errors.As(err, &fault) || fault.Reason != c.reason {
				t.Errorf("%s: error %v", name, err)
			}
		}
		if after, _ := os.Lstat(path); (before == nil) != (after == nil) || before != nil && before.Mode() != after.Mode() {
			t.Errorf("%s: it was %v and is %v", name, before, after)
		}
	}
}

// Where every user can write, as in a Kubernetes emptyDir, another user could put another
// folder in the place of ours, or of one above it. Only the sticky bit, as of /tmp,
// prevents that.
func TestPrivateInASharedFolder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path    string // below a shared folder
		mode    fs.FileMode
		exposed bool
	}{
		{"private", 0o777 | fs.ModeSticky, false},
		{"private", 0o770, false},
		{"private", 0o777, true},
		{"ours/private", 0o777, true},
		{"ours/missing/private", 0o777, true},
		{"link/private", 0o777, true},
		{"../link/private", 0o777, true},
	} {
		base := t.TempDir()
		shared := filepath.Join(base, "shared")
		err := errors.Join(os.MkdirAll(filepath.Join(shared, "ours"), 0o700), os.Chmod(shared, c.mode),
			os.Symlink(base, filepath.Join(shared, "link")), os.Symlink(filepath.Join(shared, "ours"), filepath.Join(base, "link")))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(shared, c.path)
		for _, err := range []error{ours().CheckPrivate(path), ours().Private(path)} {
			var fault *ownfile.Error
			if exposed := errors.As(err, &fault) && fault.Reason == ownfile.Exposed && fault.Path == shared; exposed != c.exposed || !exposed && err != nil {
				t.Errorf("%s in a folder with %v: %v", c.path, c.mode, err)
			}
		}
		if _, err := os.Lstat(path); c.exposed && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s in a folder with %v was made: %v", c.path, c.mode, err)
		}
	}
}

func TestAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	known := func(name string) bool { return slices.Contains([]string{"a", "b"}, name) }
	if err := errors.Join(ours().Alone(folder, known), ours().Alone(filepath.Join(folder, "missing"), known)); err != nil {
		t.Error(err)
	}
	if err := errors.Join(makeFile(filepath.Join(folder, "a"), 0o600), os.Symlink("a", filepath.Join(folder, "b"))); err != nil {
		t.Fatal(err)
	}
	if err := ours().Alone(folder, known); err != nil {
		t.Error(err)
	}
	var fault *ownfile.Error
	if err := theirs().Alone(folder, known); !errors.As(err, &fault) || fault.Reason != ownfile.Foreign {
		t.Errorf("another user's file: %v", err)
	}
	strange := filepath.Join(folder, "podman")
	if err := makeFile(strange, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ours().Alone(folder, known); !errors.As(err, &fault) || fault.Reason != ownfile.Strange || fault.Path != strange {
		t.Errorf("a strange file: %v", err)
	}
}
