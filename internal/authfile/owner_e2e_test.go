// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package authfile

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

const stranger = 4002

// give makes a file or folder another user's.
func give(t *testing.T, paths ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("run this as root")
	}
	for _, path := range paths {
		if err := os.Chown(path, stranger, stranger); err != nil {
			t.Fatal(err)
		}
	}
}

// Root may log in to another user's auth file, which stays that user's.
func TestE2ERootWritesAnotherUsersFile(t *testing.T) {
	f := tempFile(t, before)
	give(t, f.dir(), f.Path())
	wantOwner := func(path string, want uint32) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != want || stat.Gid != want {
			t.Errorf("%s belongs to %d:%d, want %d", path, stat.Uid, stat.Gid, want)
		}
	}
	for range 2 {
		if err := f.Check(); err != nil {
			t.Fatal(err)
		}
		mustSet(t, f, login(host, "1"))
		wantOwner(f.Path(), stranger)
		wantOwner(f.recordPath(), 0)
		wantOwner(f.lockPath(), 0)
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
	wantOwner(f.Path(), stranger)
	wantNothingElse(t, f)
}

// A record that another user left, which could undo into anything, is refused by every
// call.
func TestE2ERecordOfAnotherUser(t *testing.T) {
	f := tempFile(t, before)
	mustSet(t, f, login(host, "1"))
	give(t, f.recordPath())
	_, set := f.Set(t.Context(), login(host, "2"))
	_, _, restore := f.Restore(t.Context())
	_, _, release := f.Release(t.Context(), "job", at(0))
	for _, err := range []error{f.Check(), set, restore, release} {
		wantReason(t, f, err, Untrusted)
	}
	if err := errors.Join(os.Chown(f.recordPath(), 0, 0), f.Check()); err != nil {
		t.Error(err)
	}
}
