// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package authfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestE2EPermissions(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	closed := tempFile(t, before)
	unwritable := tempFile(t, before)
	hidden := tempFile(t, before)
	below := open(t, filepath.Join(unwritable.folder(), "sub", "config.json"))
	for path, mode := range map[string]os.FileMode{closed.Path(): 0, unwritable.folder(): 0o555, hidden.folder(): 0} {
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
	if err := os.Chmod(f.folder(), 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(f.folder(), 0o700) })
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	if change := mustSet(t, f, login(host, "2")); !change.InPlace {
		t.Error("nothing is said about the write in place")
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
