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
	// settlings is how often to wait for slow tools: podman took 450 ms when many
	// processes shared a CPU.
	settlings = 8
)

// others looks for other tools, and other processes of ours, that may be writing the
// file at this moment. It also gives the record with what it found.
func (f *File) others(now seen, r record) (record, bool) {
	if now.info != nil && f.isRecent(now.info.ModTime()) {
		ours := r.Wrote == sha256Hex(now.text)
		if !ours {
			r.Others = now.info.ModTime()
		} else if now.info.ModTime().After(f.opened) {
			return r, true
		}
	}
	return r, f.isRecent(r.Others) || f.underWay()
}

func (f *File) isRecent(t time.Time) bool { return time.Since(t).Abs() < f.recent }

// underWay reports whether another tool is about to replace the file: containers/image
// makes .tmp-NAME before it renames, docker NAME with digits. An old one is what a killed
// tool left.
func (f *File) underWay() bool {
	entries, err := os.ReadDir(f.dir())
	if err != nil {
		return false
	}
	name := filepath.Base(f.path)
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		digits, docker := strings.CutPrefix(entry.Name(), name)
		docker = docker && digits != "" && strings.Trim(digits, "0123456789") == ""
		if !docker && !strings.HasPrefix(entry.Name(), ".tmp-"+name) {
			return false
		}
		info, err := entry.Info()
		return err == nil && f.isRecent(info.ModTime())
	})
}

// settle waits for other tools to end what they have begun, longer if a file of theirs
// is under way.
func (f *File) settle(ctx context.Context) error {
	turns := time.NewTicker(f.settling)
	defer turns.Stop()
	for range settlings {
		select {
		case <-turns.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !f.underWay() {
			return nil
		}
	}
	return nil
}
