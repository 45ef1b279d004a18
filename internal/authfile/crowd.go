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
	// recent is how long a file counts as one that is being written.
	recent = 2 * time.Second
	// settling is far longer than tools take from reading an auth file to
	// renaming their own over it, even where many share a CPU.
	settling = 250 * time.Millisecond
)

// crowded reports whether others may be writing the file right now: somebody
// did moments ago, or is about to.
func (f *File) crowded() bool {
	info, err := os.Stat(f.path)
	return err == nil && time.Since(info.ModTime()).Abs() < recent || f.foreignFiles()
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
func (f *File) settle(ctx context.Context) error {
	timer := time.NewTimer(f.settling)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
