// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxFile is far above any bundle of CA certificates.
const maxFile = 1 << 20

// temporary is what the names of unfinished files begin with; the tools pass
// over names that end in a number.
const temporary = ".quay-keyless."

// read gives the text and mode of the ca.crt in a host's folder, nil where
// there is none. What is no file of ours to replace is an error.
func read(dir string) ([]byte, fs.FileMode, error) {
	switch info, err := os.Lstat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, 0, because(Linked, nil) // it may be another host's folder too
	case !info.IsDir():
		return nil, 0, because(NotRegular, nil)
	}
	path := filepath.Join(dir, certificate)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, 0, because(Linked, nil)
	case !info.Mode().IsRegular():
		return nil, 0, because(NotRegular, nil)
	case !belongsToUs(info):
		return nil, 0, because(Foreign, nil)
	}
	text, err := readLimited(path)
	return text, info.Mode().Perm(), err
}

// readLimited reads a file; nil means that there is none.
func readLimited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		return nil, because(TooLarge, nil)
	}
	return text, err
}

// makeFolders makes dir and those above it, and gives those that it made, the
// outer ones first.
func makeFolders(dir string, mode fs.FileMode) (made []string, err error) {
	if _, err := os.Stat(dir); err == nil {
		return nil, nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if made, err = makeFolders(parent, mode); err != nil {
			return made, err
		}
	}
	err = os.Mkdir(dir, mode)
	if errors.Is(err, fs.ErrExist) {
		if _, err := os.Stat(dir); err != nil {
			return made, because(Linked, err) // it leads nowhere
		}
		return made, nil // another process was faster
	} else if errors.Is(err, fs.ErrNotExist) {
		return makeFolders(dir, mode) // another process removed what it had made
	} else if err != nil {
		return made, err
	}
	return append(made, dir), nil
}

// removeFolders removes folders that are empty, the inner ones first.
func removeFolders(made []string) {
	for _, dir := range slices.Backward(made) {
		_ = os.Remove(dir)
	}
}
