// SPDX-License-Identifier: Apache-2.0

// Package ownfile opens and locks the program's own files, which stand in folders
// that other users may be able to write. What such a file says steers
// the program, so a file of another user is refused, and no open waits for
// anything: not for the other end of a pipe, not for a device.
package ownfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Owners are the users whose files are obeyed. Nil is every user: Windows has no
// user numbers.
type Owners []int

// Trust says which files and folders are obeyed.
type Trust struct {
	Files   Owners // of the file itself
	Folders Owners // of the folder that the file is in
}

// By is the trust of a user with this number: in the user's own files and
// root's. The owner of the running program is trusted too, since that user
// decides what this process does anyway; in a Tekton Task a later step runs, as
// another user, the program that the login step left in a shared volume.
func By(uid int, program string) Trust {
	if uid < 0 {
		return Trust{}
	}
	owners := Owners{uid, 0}
	if info, err := os.Stat(program); err == nil {
		if owner, _, known := OwnerOf(info); known && !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return Trust{Files: owners, Folders: owners}
}

// RootAnywhere is the trust for files that root may keep in a folder of any
// user: then only the file's own owner counts.
func (t Trust) RootAnywhere() Trust {
	if len(t.Files) > 0 && t.Files[0] == 0 {
		t.Folders = nil
	}
	return t
}

// Owner is the user whose file it is, and the user who runs the program. They are
// unknown where every user is trusted.
func (t Trust) Owner(info fs.FileInfo) (owner, us int, known bool) {
	owner, _, known = OwnerOf(info)
	if !known || len(t.Files) == 0 {
		return 0, 0, false
	}
	return owner, t.Files[0], true
}

// Check finds what keeps a file from being opened; a missing file is fine. The
// error is an [*Error] or the system's.
func (t Trust) Check(path string) error {
	info, err := os.Lstat(path)
	if err == nil {
		err = t.file(path, info)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return cmp.Or(err, t.Folder(filepath.Dir(path)))
}

// file finds what keeps a file from being obeyed.
func (t Trust) file(path string, info fs.FileInfo) error {
	return cmp.Or(regular(path, info), t.Files.owned(path, info), t.Files.exposed(path, info))
}

// regular finds what is not a file.
func regular(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return &Error{Path: path, Reason: Folder}
	case mode&fs.ModeSymlink != 0:
		return &Error{Path: path, Reason: Link}
	}
	return &Error{Path: path, Reason: NotRegular}
}

// Private is the mode of a new file unless another one was chosen.
const Private fs.FileMode = 0o600

// Open opens a file by these flags; what O_CREATE makes is private. It looks at
// the file before it opens it, since opening a device can have effects, and
// again at what it has opened.
func (t Trust) Open(path string, flag int) (*os.File, error) {
	if err := t.Check(path); err != nil {
		return nil, err
	}
	return open(path, flag|noFollow, func(info fs.FileInfo) error { return t.file(path, info) })
}

// Read returns a file's text, of at most limit bytes. The error is an [*Error] or
// the system's; a missing file is one too.
func (t Trust) Read(path string, limit int64) ([]byte, error) {
	file, err := t.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return ReadAll(file, limit)
}

// OpenAny opens any user's regular file for reading, through links too, and does not wait
// for one that is not regular. The error is an [*Error] or the system's.
func OpenAny(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	return open(path, os.O_RDONLY, func(info fs.FileInfo) error { return regular(path, info) })
}

// ReadAny is [OpenAny] and gives the text, of at most limit bytes.
func ReadAny(path string, limit int64) ([]byte, error) {
	file, err := OpenAny(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return ReadAll(file, limit)
}

func open(path string, flag int, check func(fs.FileInfo) error) (*os.File, error) {
	file, err := os.OpenFile(path, flag|NoWait, Private)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		err = check(info)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// ReadAll returns the text of an open file, of at most limit bytes. It is never nil. The
// error is an [*Error] or the system's.
func ReadAll(file *os.File, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, &Error{file.Name(), TooLarge, fmt.Sprintf(": more than %d bytes", limit)}
	}
	return text, err
}
