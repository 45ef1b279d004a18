// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile is far above any auth file: a thousand logins are a quarter of a megabyte.
const maxFile = 16 << 20

// read gives the auth file's text, nil where there is no file.
func (f *File) read() ([]byte, error) {
	// Opening a pipe would wait for its other end, so look first.
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
	return true, regular(info)
}

// readLimited reads a file of at most limit bytes; its result is never nil.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, because(unreadable(err), err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, because(unreadable(err), err)
	}
	if int64(len(data)) > limit {
		return nil, because(TooLarge, fmt.Errorf("more than %d MiB", limit>>20))
	}
	return data, nil
}

// regular says what keeps a file from being an auth file of ours.
func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return because(IsFolder, nil)
	case !info.Mode().IsRegular():
		return because(NotRegular, nil)
	}
	if owner, us, same := owners(info); !same {
		return because(Foreign, fmt.Errorf("to user %d, and this is user %d", owner, us))
	}
	return nil
}

// unreadable is the reason of an error on reading.
func unreadable(err error) Reason {
	if errors.Is(err, fs.ErrPermission) {
		return NotReadable
	}
	return reasonOf(err)
}
