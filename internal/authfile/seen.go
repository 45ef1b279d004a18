// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"

	"quay-keyless/internal/ownfile"
)

// seen is a file as it was read. A missing one has neither text nor info.
type seen struct {
	text []byte
	info fs.FileInfo
}

// see reads any user's file, and follows no link.
func see(path string) (seen, error) {
	file, err := ownfile.OpenIf(path, os.O_RDONLY, anyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return seen{}, nil
	} else if err != nil {
		return seen{}, err
	}
	defer func() { _ = file.Close() }()
	return seeOpen(file, maxRecord)
}

// anyFile allows each file.
func anyFile(fs.FileInfo) error { return nil }

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
	return os.SameFile(s.info, now.info) && sameOwner(s.info, now.info) && bytes.Equal(s.text, now.text)
}
