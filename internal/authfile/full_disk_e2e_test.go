// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package authfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fillDisk leaves no byte on the file system of dir.
func fillDisk(t *testing.T, dir string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "zz"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); len(block) > 0; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestE2EFullDisk(t *testing.T) {
	if !withMounts(t) {
		return
	}
	for name, earlier := range map[string]bool{"first login": false, "login over a login": true} {
		t.Run(name, func(t *testing.T) {
			f := open(t, filepath.Join(t.TempDir(), "config.json"))
			mount(t, "tmpfs", f.dir(), "tmpfs", 0, "size=1m")
			text := largeFile()
			write(t, f.Path(), text)
			want := []string{"config.json", "zz"}
			if earlier {
				mustSet(t, f, login(host, "1"))
				want = append([]string{".config.json.quay-keyless", ".config.json.quay-keyless.lock"}, want...)
			}
			now := read(t, f.Path())
			known := recordText(f)
			fillDisk(t, f.dir())
			_, err := f.Set(t.Context(), login(host, "2"))
			wantReason(t, f, err, NoSpace)
			wantText(t, f, now)
			wantFiles(t, f, want...)
			if got := recordText(f); !bytes.Equal(got, known) {
				t.Errorf("the record was %s, is %s", known, got)
			}
			if err := os.Remove(filepath.Join(f.dir(), "zz")); err != nil {
				t.Fatal(err)
			}
			mustSet(t, f, login(host, "3"))
			mustRestore(t, f, nil, host+": removed")
			wantText(t, f, text)
		})
	}
}

func recordText(f *File) []byte {
	text, _ := os.ReadFile(f.recordPath()) // a missing one is the same as an empty one
	return text
}

// The mounted file is on a full disk, its folder is not: the write in place is
// what finds no room, and must not have begun.
func TestE2EFullDiskBelowAMountedFile(t *testing.T) {
	if !withMounts(t) {
		return
	}
	disk := t.TempDir()
	mount(t, "tmpfs", disk, "tmpfs", 0, "size=1m")
	text := `{"auths":{},"x":"` + strings.Repeat("x", 4096-19) + `"}` // a block, to the byte
	write(t, filepath.Join(disk, "config.json"), text)
	fillDisk(t, disk)
	f := tempFile(t, "")
	mount(t, filepath.Join(disk, "config.json"), f.Path(), "", syscall.MS_BIND, "")
	_, err := f.Set(t.Context(), login(host, "1"))
	wantReason(t, f, err, NoSpace)
	wantText(t, f, text)
	wantNothingElse(t, f)
}
