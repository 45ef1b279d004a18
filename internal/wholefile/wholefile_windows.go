// SPDX-License-Identifier: Apache-2.0

package wholefile

import (
	"io/fs"
	"os"
	"time"
)

// SyncName does nothing: Windows keeps names by itself.
func SyncName(string) error { return nil }

// claim does nothing: a sweep looks at the file's age.
func claim(*os.File) bool { return true }

// abandonedAfter is far longer than writing a file takes.
const abandonedAfter = 24 * time.Hour

// removeAbandoned removes an old file or folder. A lock would not do: Windows does not rename
// an open file, so the writer has to let go of it before.
func removeAbandoned(path string) {
	if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > abandonedAfter {
		_ = os.RemoveAll(path)
	}
}

// keepOwner does nothing: Windows gives a new file the folder's access list.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
