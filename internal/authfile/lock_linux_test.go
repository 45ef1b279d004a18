// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestLockOfARemovedFile: who waited for the lock of a file that was then
// removed holds a lock that nobody else can see, and must not use it.
func TestLockOfARemovedFile(t *testing.T) {
	f := tempFile(t, before)
	held, err := by().Lock(t.Context(), f.lockPath())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := f.Set(t.Context(), login(host, "1"))
		done <- err
	}()
	for opened(t, f.lockPath()) < 2 {
		runtime.Gosched()
	}
	if err := os.Remove(f.lockPath()); err != nil {
		t.Fatal(err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustRestore(t, f, nil, host+": restored")
	wantText(t, f, before)
}

// opened is how often this process has a file open for writing.
func opened(t *testing.T, path string) int {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, descriptor := range descriptors {
		target, err := os.Readlink(descriptor)
		info, err2 := os.Lstat(descriptor) // its mode is that of the opening
		if err == nil && err2 == nil && target == path && info.Mode()&0o200 != 0 {
			count++
		}
	}
	return count
}
