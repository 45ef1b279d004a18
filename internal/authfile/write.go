// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"quay-keyless/internal/ownfile"
	"quay-keyless/internal/wholefile"
)

// write replaces the auth file's text old, nil for none, by text, with the
// chosen mode whatever it was before. It reports whether that was in place: where the
// file is a mount point, or its folder may not be written.
func (f *File) write(old, text []byte) (inPlace bool, err error) {
	put := wholefile.Write
	if old != nil {
		put = wholefile.Replace
	}
	err = put(f.path, f.sideName()+".", text, f.mode)
	if err == nil || old == nil || !forbidsRename(err) {
		return false, err
	}
	return true, f.overwrite(old, text)
}

// forbidsRename tells the errors that leave room for a write in place.
func forbidsRename(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// overwrite replaces the text inside the file. It is never empty, and never
// without a whole JSON object but for the moment of the one write. The file
// first grows by white space, so that a full disk shows before anything is lost.
func (f *File) overwrite(old, text []byte) (err error) {
	file, err := ownfile.OpenAny(f.path, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	defer func() {
		if err != nil {
			_, _ = file.WriteAt(old, 0)
			_ = file.Truncate(int64(len(old)))
		}
	}()
	if err := file.Chmod(f.mode); err != nil {
		return err
	}
	size := max(len(old), len(text))
	if _, err := file.WriteAt(blanks(size-len(old)), int64(len(old))); err != nil {
		return err
	}
	if _, err := file.WriteAt(slices.Concat(text, blanks(size-len(text))), 0); err != nil {
		return err
	}
	if err := file.Truncate(int64(len(text))); err != nil {
		return err
	}
	return file.Sync()
}

func blanks(n int) []byte { return bytes.Repeat([]byte("\n"), n) }
