// SPDX-License-Identifier: Apache-2.0

package ownfile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder finds what keeps the files of a folder from being obeyed. Who may write
// there does not matter, since each file's own owner counts; the folder's owner
// does, who can put any file into another's place. A missing folder is fine.
func (t Trust) Folder(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err != nil && t.Folders == nil {
		return nil
	} else if err != nil {
		return err
	}
	return t.Folders.owned(path, info)
}

// Closed is [Trust.Folder] for a folder whose every file counts, so that nobody else
// may write there.
func (t Trust) Closed(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return t.Folder(path)
	}
	return cmp.Or(t.Folder(path), t.Folders.exposed(path, info))
}

// Fixed finds a folder on the way to path in which every user can put another folder in the
// place of the next one, as in a Kubernetes emptyDir: every user can write there, and no
// sticky bit keeps what others made. The error is an [*Error] or the system's.
func (t Trust) Fixed(path string) error {
	above := filepath.Dir(path)
	resolved, err := filepath.EvalSymlinks(above)
	switch {
	case t.Folders == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) && above != path:
		return t.Fixed(above)
	case err != nil:
		return err
	}
	return cmp.Or(t.fixed(above), t.fixed(resolved))
}

// fixed is [Trust.Fixed] for a folder and those above it. In a root folder that every user
// can write, nothing is safe anyway.
func (t Trust) fixed(folder string) error {
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err != nil {
			return err
		}
		if err := t.Folders.exposed(folder, info); err != nil && info.Mode()&fs.ModeSticky == 0 {
			return err
		}
	}
	return nil
}

// Private makes a folder that nobody else can read, write or replace, or finds it. The
// owner of the folder above must be trusted. The error is an [*Error] or the system's.
func (t Trust) Private(path string) error {
	if err := t.CheckPrivate(path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := t.CheckPrivate(path); err != nil { // who was first
		return err
	}
	return os.Chmod(path, 0o700)
}

// CheckPrivate finds what would make [Trust.Private] fail, and changes nothing.
func (t Trust) CheckPrivate(path string) error {
	return cmp.Or(t.Folder(filepath.Dir(path)), t.Fixed(path), t.Real(path))
}

// Real finds a link, a file or another user's folder at path. A missing folder is fine.
func (t Trust) Real(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return &Error{Path: path, Reason: Link}
	case !info.IsDir():
		return &Error{Path: path, Reason: NoFolder}
	}
	return t.Files.owned(path, info)
}

// Alone finds a file in a folder that is another user's, or has another name than
// those that ours reports. A missing folder is fine.
func (t Trust) Alone(folder string, ours func(name string) bool) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if !ours(entry.Name()) {
			return &Error{Path: path, Reason: Strange}
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // another login's, which is done with it
		} else if err != nil {
			return err
		}
		if err := t.Files.owned(path, info); err != nil {
			return err
		}
	}
	return nil
}
