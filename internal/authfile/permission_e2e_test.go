// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package authfile

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestE2EPermissions(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	closed := tempFile(t, before)
	unwritable := tempFile(t, before)
	hidden := tempFile(t, before)
	below := open(t, filepath.Join(unwritable.dir(), "sub", "config.json"))
	for path, mode := range map[string]os.FileMode{closed.Path(): 0, unwritable.dir(): 0o555, hidden.dir(): 0} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // for TempDir
	}
	for f, want := range map[*File]Reason{
		closed: NotReadable, unwritable: FolderNotWritable, below: FolderUncreatable, hidden: NotReadable,
		open(t, "/etc/passwd"):           Foreign,
		open(t, "/usr/quay/config.json"): FolderUncreatable,
	} {
		wantReason(t, f, f.Check(), want)
		_, err := f.Set(t.Context(), login(host, "1"))
		wantReason(t, f, err, want)
	}
	wantText(t, unwritable, before)
	wantNothingElse(t, unwritable)
	if got, want := closed.Check().Error(), "auth file "+closed.Path()+" is not readable: permission denied"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A folder that was writable when the state was made and is no more: the file
// itself still is.
func TestE2EWriteInPlaceInAClosedFolder(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	if err := os.Chmod(f.dir(), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(f.dir(), 0o700) })
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	if change := mustSet(t, f, login(host, "2")); !change.InPlace {
		t.Error("nothing is said about the write in place")
	}
	for range 2 { // the record's file stays, and is not a damaged record
		if change := mustRestore(t, f, nil, host+": restored"); change.RecordLost {
			t.Error("a logout lost the record")
		}
		wantText(t, f, before)
		if change := mustSet(t, f, login(host, "3")); change.RecordLost {
			t.Error("a login lost the record")
		}
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}

func TestE2EFileOfAnotherUser(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	f := open(t, "/etc/passwd")
	err := f.Check()
	wantReason(t, f, err, Foreign)
	if want := "to user 0, and this is user "; !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %q", err, want)
	}
}

// A user who may not give the file's group to a new file writes in place.
func TestE2EGroupStays(t *testing.T) {
	folder := t.TempDir()
	if os.Geteuid() == 0 { // for the user below
		const nobody = 65534
		folder = filepath.Join(os.TempDir(), "authfile-"+t.Name())
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		path := filepath.Join(folder, "config.json")
		write(t, path, before)
		if err := errors.Join(os.Chown(folder, nobody, nobody), os.Chown(path, nobody, 8), os.Chmod(path, 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AUTHFILE_FOLDER", cmp.Or(os.Getenv("AUTHFILE_FOLDER"), folder))
	if !unprivileged(t) {
		return
	}
	f := open(t, filepath.Join(os.Getenv("AUTHFILE_FOLDER"), "config.json"))
	if change := mustSet(t, f, login(host, "1")); !change.InPlace {
		t.Error("nothing is said about the write in place")
	}
	mustRestore(t, f, nil, host+": restored")
	info, err := os.Stat(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Gid != 8 || info.Mode() != 0o640 {
		t.Errorf("the file has mode %o and group %d", info.Mode(), stat.Gid)
	}
	wantText(t, f, before)
	wantNothingElse(t, f)
}

// In a folder that every user can write, as in a Kubernetes emptyDir, another user puts a file
// of their own into the place of one that we read. Nothing of ours gets into it.
func TestE2EFileSwappedByAnotherUser(t *testing.T) {
	const nobody = 65534
	folder := filepath.Join(os.TempDir(), "authfile-"+t.Name())
	path, theirs := filepath.Join(folder, "config.json"), filepath.Join(folder, "theirs")
	if os.Geteuid() == 0 {
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		if err := errors.Join(os.Mkdir(folder, 0o777), os.Chmod(folder, 0o777)); err != nil {
			t.Fatal(err)
		}
		write(t, path, before)
		write(t, theirs, before)
		give(t, theirs)
		if err := errors.Join(os.Chown(path, nobody, nobody), os.Chmod(theirs, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if !unprivileged(t) {
		return
	}
	f := open(t, path)
	for _, mode := range []os.FileMode{0, 0o640} {
		f.Mode = mode
		_, err := swap(t, f, func() {
			move(t, path, path+".away")
			move(t, theirs, path)
		})
		wantReason(t, f, err, Foreign)
		wantText(t, f, before)
		move(t, path, theirs)
		move(t, path+".away", path)
	}
	mustSet(t, f, login(host, "1"))
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}
