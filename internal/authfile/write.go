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

// errChanged is the error of a write before which another tool, or another user, put
// something else at the path.
var errChanged = errors.New("another tool is writing it")

// write replaces the file that was read, or removes it if text is nil. It reports whether it
// wrote in place: if the file is a mount point, its folder may not be written, or its owner
// or group cannot be given to a new file. They stay, and so does the mode if mode is 0. A
// file that cannot be removed becomes emptyFile.
func (f *File) write(path string, old seen, text []byte, mode os.FileMode) (inPlace bool, err error) {
	unchanged := func() error {
		if now, err := see(ownfile.Trust{}, path, maxRecord); err != nil || !old.is(now) {
			return errChanged
		}
		return nil
	}
	removed := text == nil
	if !removed {
		err = wholefile.Replace(path, f.sideName()+".", old.info, text, mode, unchanged)
	} else if err = unchanged(); err == nil {
		err = os.Remove(path)
		text, mode = emptyFile, 0
	}
	switch {
	case err == nil && removed:
		return false, wholefile.SyncName(path)
	case err == nil || old.info == nil || !forbidsRename(err):
		return false, err
	}
	return !removed, overwrite(path, old, text, mode)
}

// forbidsRename tells the errors that leave room for a write in place.
func forbidsRename(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// overwrite replaces the text inside the file that was read. In a folder that other users
// can write, another file may be at the path by now: errChanged, and that one stays as it is.
func overwrite(path string, old seen, text []byte, mode os.FileMode) (err error) {
	file, err := ownfile.Trust{}.Open(path, os.O_RDWR)
	if errors.As(err, new(*ownfile.Error)) || errors.Is(err, fs.ErrNotExist) {
		return errChanged
	} else if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	if now, err := seeOpen(file, maxRecord); err != nil || !old.is(now) {
		return errChanged
	}
	if mode != 0 {
		if err := file.Chmod(mode); err != nil {
			return err
		}
	}
	return fill(file, old.text, text)
}

// fill replaces the text of an open file. It is never empty, and never
// without a whole JSON object but for the moment of the one write. The file
// first grows by white space, so that a full disk shows before anything is lost.
func fill(file *os.File, old, text []byte) (err error) {
	defer func() {
		if err != nil {
			_, _ = file.WriteAt(old, 0)
			_ = file.Truncate(int64(len(old)))
		}
	}()
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
