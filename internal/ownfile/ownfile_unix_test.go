// SPDX-License-Identifier: Apache-2.0

//go:build unix

package ownfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/ownfile"
)

// stranger is the number of a user who runs no test.
const stranger = 54321

// ours is the trust of the user who runs the test, without root's files, so that
// it is the same for root.
func ours() ownfile.Trust {
	owners := ownfile.Owners{os.Geteuid()}
	return ownfile.Trust{Files: owners, Folders: owners}
}

// theirs is the trust of another user, to whom our files are foreign.
func theirs() ownfile.Trust {
	owners := ownfile.Owners{stranger}
	return ownfile.Trust{Files: owners, Folders: owners}
}

// opens are all the ways to open a file of the program's own.
var opens = map[string]func(ctx context.Context, trust ownfile.Trust, path string) error{
	"check": func(_ context.Context, trust ownfile.Trust, path string) error { return trust.Check(path) },
	"read": func(_ context.Context, trust ownfile.Trust, path string) error {
		_, err := trust.Read(path, 100)
		return err
	},
	"lock": func(ctx context.Context, trust ownfile.Trust, path string) error {
		file, err := trust.Lock(ctx, path)
		if err == nil {
			err = file.Close()
		}
		return err
	},
}

// refused are files that are refused, by what makes them.
var refused = map[string]struct {
	make   func(path string) error
	trust  ownfile.Trust
	reason ownfile.Reason
}{
	"pipe":         {func(path string) error { return syscall.Mkfifo(path, 0o600) }, ours(), ownfile.NotRegular},
	"folder":       {func(path string) error { return os.Mkdir(path, 0o700) }, ours(), ownfile.Folder},
	"link":         {func(path string) error { return os.Symlink("/etc/passwd", path) }, ours(), ownfile.Link},
	"dangling":     {func(path string) error { return os.Symlink("nowhere", path) }, ours(), ownfile.Link},
	"socket":       {makeSocket, ours(), ownfile.NotRegular},
	"world":        {func(path string) error { return makeFile(path, 0o602) }, ours(), ownfile.Exposed},
	"another user": {func(path string) error { return makeFile(path, 0o600) }, theirs(), ownfile.Foreign},
}

func makeFile(path string, mode fs.FileMode) error {
	return errors.Join(os.WriteFile(path, []byte("text"), 0o600), os.Chmod(path, mode))
}

func makeSocket(path string) error {
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(socket) }()
	return syscall.Bind(socket, &syscall.SockaddrUnix{Name: path})
}

// What others could have put into a file's place is refused at once, by name. The
// pipe has no other end: an open that waits for it ends with the test's own limit.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range refused {
		for how, open := range opens {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				folder, err := os.MkdirTemp("", "own") // a socket's path is short
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = os.RemoveAll(folder) })
				path := filepath.Join(folder, "file")
				if err := c.make(path); err != nil {
					t.Fatal(err)
				}
				err = open(t.Context(), c.trust, path)
				var fault *ownfile.Error
				if !errors.As(err, &fault) || fault.Reason != c.reason || !strings.HasPrefix(err.Error(), path+" ") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// A folder of another user is refused, whosever the file is.
func TestForeignFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"file", "missing"} {
		for how, open := range opens {
			if err := makeFile(filepath.Join(folder, "file"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := open(t.Context(), ownfile.Trust{Files: ours().Files, Folders: theirs().Folders}, filepath.Join(folder, name))
			var fault *ownfile.Error
			if how == "read" && name == "missing" && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if !errors.As(err, &fault) || fault.Reason != ownfile.Foreign || fault.Path != folder || !strings.Contains(fault.Detail, fmt.Sprintf(" %d, not to ", os.Geteuid())) {
				t.Errorf("%s %s: error %v", how, name, err)
			}
		}
	}
}

// Files that are fine: private, shared with a group, readable by everybody, and in
// folders where everybody may write, as a Kubernetes emptyDir and /tmp are.
func TestTrusted(t *testing.T) {
	t.Parallel()
	for _, inFolder := range []fs.FileMode{0o700, 0o777, 0o777 | fs.ModeSticky} {
		for _, mode := range []fs.FileMode{0o400, 0o600, 0o660, 0o644} {
			folder := t.TempDir()
			path := filepath.Join(folder, "file")
			if err := errors.Join(os.Chmod(folder, inFolder), makeFile(path, mode)); err != nil {
				t.Fatal(err)
			}
			if text, err := ours().Read(path, 100); err != nil || string(text) != "text" {
				t.Errorf("%v in %v: %q, %v", mode, inFolder, text, err)
			}
		}
	}
	missing := filepath.Join(t.TempDir(), "missing", "file")
	if err := ours().Check(missing); err != nil {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ours().Read(missing, 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a missing file: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := makeFile(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ours().Read(path, 4); err != nil {
		t.Error(err)
	}
	var fault *ownfile.Error
	if _, err := ours().Read(path, 3); !errors.As(err, &fault) || fault.Reason != ownfile.TooLarge {
		t.Errorf("error %v", err)
	}
}

// Auth files may be links and another user's, but no open waits for them.
func TestOpenAny(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, link, pipe := filepath.Join(folder, "file"), filepath.Join(folder, "link"), filepath.Join(folder, "pipe")
	if err := errors.Join(makeFile(path, 0o666), os.Symlink("file", link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	if text, err := ownfile.ReadAny(link, 100); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	for _, odd := range []string{pipe, folder, os.DevNull} {
		var fault *ownfile.Error
		if _, err := ownfile.OpenAny(odd); !errors.As(err, &fault) || fault.Path != odd {
			t.Errorf("%s: error %v", odd, err)
		}
	}
}

// Each user trusts itself, root, and who owns the program that runs.
func TestBy(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	if err := makeFile(program, 0o700); err != nil {
		t.Fatal(err)
	}
	us := os.Geteuid()
	for _, c := range []struct {
		uid     int
		program string
		want    ownfile.Owners
	}{
		{stranger, "/nowhere", ownfile.Owners{stranger, 0}},
		{0, "/nowhere", ownfile.Owners{0, 0}},
		{stranger, program, slices.Compact(ownfile.Owners{stranger, 0, us})},
		{-1, program, nil},
	} {
		if got := ownfile.By(c.uid, c.program); !slices.Equal(got.Files, c.want) || !slices.Equal(got.Folders, c.want) {
			t.Errorf("user %d with %s trusts %v", c.uid, c.program, got)
		}
	}
	if got := fmt.Sprint(ownfile.Owners{1000, 0, 0}); got != "user 1000 or root" {
		t.Errorf("it is said as %q", got)
	}
}

// A lock that was removed meanwhile is none any more.
func TestIsAt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	file := locked(t, path)
	if !ownfile.IsAt(file, path) {
		t.Error("the file is not where it was opened")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if ownfile.IsAt(file, path) {
		t.Error("a removed file is there")
	}
	other := locked(t, path)
	if ownfile.IsAt(file, path) || !ownfile.IsAt(other, path) {
		t.Error("another file of the same name is taken for the one that was opened")
	}
	if err := errors.Join(file.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if ownfile.IsAt(other, path) {
		t.Error("a closed file is there")
	}
}
