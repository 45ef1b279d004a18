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

// read gives the auth file's text, nil where there is no file.
func (f *File) read() ([]byte, error) {
	there, err := f.exists()
	if err != nil || !there {
		return nil, err
	}
	return readLimited(f.path, maxFile)
}

// exists reports whether there is a file. One that is none of ours is an error.
func (f *File) exists() (bool, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, because(unreadable(err), err)
	}
	return true, f.usable(info)
}

// readLimited reads a file of at most limit bytes; its result is never nil.
func readLimited(path string, limit int64) ([]byte, error) {
	data, err := ownfile.ReadAny(path, limit)
	if err != nil {
		return nil, unread(err)
	}
	return data, nil
}

// usable says what keeps a file from being an auth file that this user may write.
// Root may write another user's.
func (f *File) usable(info fs.FileInfo) error {
	if err := regular(info); err != nil {
		return err
	}
	if owner, us, known := f.trust.Owner(info); known && owner != us && us != 0 {
		return because(Foreign, fmt.Errorf("to user %d, and this is user %d", owner, us))
	}
	return nil
}

// regular says what keeps a file from being an auth file.
func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return because(IsFolder, nil)
	case !info.Mode().IsRegular():
		return because(NotRegular, nil)
	}
	return nil
}

// unread is the error of a file that was not read.
func unread(err error) error {
	var refused *ownfile.Error
	if !errors.As(err, &refused) {
		return because(unreadable(err), err)
	}
	switch refused.Reason {
	case ownfile.Folder:
		return because(IsFolder, nil)
	case ownfile.NotRegular:
		return because(NotRegular, nil)
	case ownfile.TooLarge:
		return because(TooLarge, fmt.Errorf("more than %d MiB", refused.Limit>>20))
	}
	return because(Foreign, refused)
}

// unreadable is the reason of an error on reading.
func unreadable(err error) Reason {
	if errors.Is(err, fs.ErrPermission) {
		return NotReadable
	}
	return reasonOf(err)
}
