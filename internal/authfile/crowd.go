// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// recent is how long a file counts as one that is being written.
	recent = 2 * time.Second
	// settling is far longer than tools take from reading an auth file to
	// renaming their own over it.
	settling = 250 * time.Millisecond
	// settlings is how often it is waited for tools that take longer, as podman did
	// where many shared a CPU (450 ms measured).
	settlings = 8
)

// crowded reports whether others may be writing the file right now: somebody
// did moments ago, or is about to.
func (f *File) crowded() bool {
	info, err := os.Stat(f.path)
	return err == nil && f.isRecent(info) || len(f.foreignFiles()) > 0
}

func (f *File) isRecent(info os.FileInfo) bool {
	return time.Since(info.ModTime()).Abs() < f.recent
}

// underWay reports whether another tool made this file moments ago and has not put it
// in its place. An older one is what a killed tool left.
func (f *File) underWay(entry os.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && f.isRecent(info)
}

// foreignFiles are those with which another tool is about to replace the file:
// containers/image has a .tmp-NAME before it renames, docker a NAME with digits.
func (f *File) foreignFiles() []os.DirEntry {
	entries, err := os.ReadDir(f.folder())
	if err != nil {
		return nil
	}
	name := filepath.Base(f.path)
	return slices.DeleteFunc(entries, func(entry os.DirEntry) bool {
		digits, docker := strings.CutPrefix(entry.Name(), name)
		docker = docker && digits != "" && strings.Trim(digits, "0123456789") == ""
		return !docker && !strings.HasPrefix(entry.Name(), ".tmp-"+name)
	})
}

// settle waits for other tools to end what they have begun, longer where a file of
// theirs is under way.
func (f *File) settle(ctx context.Context) error {
	turns := time.NewTicker(f.settling)
	defer turns.Stop()
	for range settlings {
		select {
		case <-turns.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !slices.ContainsFunc(f.foreignFiles(), f.underWay) {
			return nil
		}
	}
	return nil
}
