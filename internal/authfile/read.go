// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"quay-keyless/internal/ownfile"
)

// maxFile is far above any auth file: a thousand logins are a quarter of a megabyte.
const maxFile = 16 << 20

// read gives the auth file's text, nil if it is missing. Root may read and write another
// user's; any other user may not, so that is an error.
func (f *File) read() ([]byte, error) {
	info, err := os.Stat(f.path)
	if err == nil && info.Mode().IsRegular() {
		if owner, us, known := f.trust.Owner(info); known && owner != us && us != 0 {
			return nil, because(Foreign, fmt.Errorf("to user %d, and this is user %d", owner, us))
		}
	}
	return readAny(f.path, maxFile)
}

// readAny gives the text of any user's file, nil if it is missing.
func readAny(path string, limit int64) ([]byte, error) {
	text, err := ownfile.ReadAny(path, limit)
	var refused *ownfile.Error
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case !errors.As(err, &refused):
		return nil, because(unreadable(err), err)
	case refused.Reason == ownfile.Folder:
		return nil, because(IsFolder, nil)
	case refused.Reason == ownfile.NotRegular:
		return nil, because(NotRegular, nil)
	}
	return nil, because(TooLarge, fmt.Errorf("more than %d MiB", refused.Limit>>20))
}

// unreadable is the reason of an error on reading.
func unreadable(err error) Reason {
	if errors.Is(err, fs.ErrPermission) {
		return NotReadable
	}
	return reasonOf(err)
}
