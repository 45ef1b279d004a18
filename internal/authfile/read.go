// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"quay-keyless/internal/ownfile"
)

// maxFile is far above any auth file: a thousand logins are a quarter of a megabyte. A
// record holds some old values in base64.
const (
	maxFile   = 16 << 20
	maxRecord = 4 * maxFile
)

// seen is a file as it was read. A missing one has neither text nor info.
type seen struct {
	text []byte
	info fs.FileInfo
}

// see reads a file that may be obeyed, and follows no link.
func see(trust ownfile.Trust, path string, limit int64) (seen, error) {
	file, err := trust.Open(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return seen{}, nil
	} else if err != nil {
		return seen{}, err
	}
	defer func() { _ = file.Close() }()
	return seeOpen(file, limit)
}

// seeOpen reads an open file.
func seeOpen(file *os.File, limit int64) (seen, error) {
	info, err := file.Stat()
	if err != nil {
		return seen{}, err
	}
	text, err := ownfile.ReadAll(file, limit)
	return seen{text, info}, err
}

// is reports whether now is the same file with the same text. A file that was removed can
// leave its number to another user's, so the owner counts too.
func (s seen) is(now seen) bool {
	if s.info == nil || now.info == nil {
		return s.info == nil && now.info == nil
	}
	return os.SameFile(s.info, now.info) && ownfile.SameOwner(s.info, now.info) && bytes.Equal(s.text, now.text)
}

// look reads the auth file. Root may read and write another user's; any other user may
// not, so that is an error. So is a link: [Open] followed those that there were.
func (f *File) look() (seen, error) {
	info, err := os.Lstat(f.path)
	if err == nil {
		err = f.ours(info) // before the system refuses to open it
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return seen{}, unread(err)
	}
	now, err := see(ownfile.Trust{}, f.path, maxFile)
	if err == nil && now.info != nil {
		err = f.ours(now.info)
	}
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
	refused, _ := errors.AsType[*ownfile.Error](err)
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, new(*Error)):
		return err
	case errors.Is(err, fs.ErrPermission):
		return because(NotReadable, err)
	case refused == nil:
		return because(reasonOf(err), err)
	case refused.Reason == ownfile.Folder:
		return because(IsFolder, nil)
	case refused.Reason == ownfile.Link:
		return because(NotRegular, errors.New("another process put a symbolic link there"))
	case refused.Reason == ownfile.NotRegular:
		return because(NotRegular, nil)
	}
	return because(TooLarge, fmt.Errorf("more than %d MiB", maxFile>>20))
}
