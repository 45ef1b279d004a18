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

// read returns the auth file's text, nil if it is missing.
func (f *File) read() ([]byte, error) {
	now, err := f.look()
	return now.text, err
}

// look reads the auth file. Root may read and write another user's; any other user may
// not, so that is an error. So is a link: [Open] followed those that there were.
func (f *File) look() (seen, error) {
	file, err := ownfile.OpenIf(f.path, os.O_RDONLY, f.ours)
	if err != nil {
		return seen{}, unread(err)
	}
	defer func() { _ = file.Close() }()
	now, err := seeOpen(file, maxFile)
	return now, unread(err)
}

// ours finds an owner whose auth file is not ours to use.
func (f *File) ours(info fs.FileInfo) error {
	if owner, us, known := f.trust.Owner(info); known && owner != us && us != 0 {
		return because(Foreign, fmt.Errorf("to user %d, and this is user %d", owner, us))
	}
	return nil
}

// Text returns the text of any user's auth file, one JSON object, nil if it is missing. The
// error is an [*Error].
func (f *File) Text() ([]byte, error) {
	text, err := ownfile.ReadAny(f.path, maxFile)
	if err = unread(err); err == nil && text != nil {
		err = validate(text)
	}
	return text, located(f.path, err)
}

// HasLogins reports whether the file has a login or a helper of anybody.
func (f *File) HasLogins() bool {
	text, err := f.Text()
	for _, object := range objects {
		if d, wrong := parse(text, object); err == nil && wrong == nil && len(d.inner.members) > 0 {
			return true
		}
	}
	return false
}

// unread is why a file cannot be read; a missing one is no error.
func unread(err error) error {
	var refused *ownfile.Error
	var known *Error
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, fs.ErrPermission):
		return because(NotReadable, err)
	case !errors.As(err, &refused):
		return because(reasonOf(err), err)
	case refused.Reason == ownfile.Folder:
		return because(IsFolder, nil)
	case refused.Reason == ownfile.Link:
		return because(NotRegular, errors.New("another process put a symbolic link there"))
	case refused.Reason == ownfile.NotRegular:
		return because(NotRegular, nil)
	}
	return because(TooLarge, fmt.Errorf("more than %d MiB", refused.Limit>>20))
}
