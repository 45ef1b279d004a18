// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
)

// Rewrite gives a file that goes with an auth file a new text, by the same lock
// and write. Change makes it from the old one, nil where there is no file; nil
// removes the file. Where the text stays the same nothing is written. The error
// is that of change, or an [*Error].
func (f *File) Rewrite(ctx context.Context, change func(old []byte) ([]byte, error)) error {
	if err := os.MkdirAll(f.folder(), 0o700); err != nil {
		return located(f.path, because(FolderUncreatable, err))
	}
	l, err := f.acquire(ctx)
	if err != nil {
		return located(f.path, err)
	}
	defer l.release()
	old, err := f.read()
	if err != nil {
		return located(f.path, err)
	}
	text, err := change(old)
	switch {
	case err != nil:
		return err
	case text == nil:
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return located(f.path, err)
		}
		return nil
	case bytes.Equal(text, old):
		return nil
	}
	_, err = f.write(f.path, old, text, f.mode)
	return located(f.path, err)
}
