// SPDX-License-Identifier: Apache-2.0

// Package ownfile opens and locks the program's own files, which stand in folders
// that other users may be able to write. What such a file says steers
// the program, so a file of another user is refused, and no open waits for
// anything: not for the other end of a pipe, not for a device.
package ownfile

import (
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
		if owner, known := ownerOf(info); known && !slices.Contains(owners, owner) {
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
	owner, known = ownerOf(info)
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
	if err != nil {
		return err
	}
	return t.Folder(filepath.Dir(path))
}

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
	if owner, known := ownerOf(info); known && t.Folders != nil && !slices.Contains(t.Folders, owner) {
		return &Error{Path: path, Reason: ForeignFolder, Owner: owner, Trusted: t.Folders}
	}
	return nil
}

// Closed is [Trust.Folder] for a folder whose every file counts, so that nobody else
// may write there.
func (t Trust) Closed(path string) error {
	if err := t.Folder(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && t.Folders != nil && info.Mode().Perm()&everybodyWrites != 0 {
		return &Error{Path: path, Reason: Exposed}
	}
	return nil
}

// Private makes a folder that nobody else can read or write, or finds it. The
// folder above must be one whose owner is trusted and in which nobody else can
// rename. The error is an [*Error] or the system's.
func (t Trust) Private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := t.CheckPrivate(path); err != nil {
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
	parent := filepath.Dir(path)
	if err := t.Folder(parent); err != nil {
		return err
	}
	if info, err := os.Stat(parent); err == nil && t.Folders != nil &&
		info.Mode().Perm()&everybodyWrites != 0 && info.Mode()&fs.ModeSticky == 0 {
		return &Error{Path: parent, Reason: Exposed}
	}
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
	return t.ours(path, info)
}

// ours finds an owner who is not trusted.
func (t Trust) ours(path string, info fs.FileInfo) error {
	owner, known := ownerOf(info)
	if known && t.Files != nil && !slices.Contains(t.Files, owner) {
		return &Error{Path: path, Reason: Foreign, Owner: owner, Trusted: t.Files}
	}
	return nil
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
		if err := t.ours(path, info); err != nil {
			return err
		}
	}
	return nil
}

// file finds what keeps a file from being obeyed.
func (t Trust) file(path string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return &Error{Path: path, Reason: Link}
	case !mode.IsRegular():
		return notRegular(path, info)
	}
	if err := t.ours(path, info); err != nil {
		return err
	}
	if t.Files != nil && info.Mode().Perm()&everybodyWrites != 0 {
		return &Error{Path: path, Reason: Exposed}
	}
	return nil
}

const (
	private         fs.FileMode = 0o600
	everybodyWrites fs.FileMode = 0o002
)

// Open opens a file by these flags; what O_CREATE makes is private. It looks at
// the file before it opens it, since opening a device can have effects, and
// again at what it has opened.
func (t Trust) Open(path string, flag int) (*os.File, error) {
	if err := t.Check(path); err != nil {
		return nil, err
	}
	return open(path, flag|noFollow, func(info fs.FileInfo) error { return t.file(path, info) })
}

// Read gives a file's text, of at most limit bytes. The error is an [*Error] or
// the system's; a missing file is one too.
func (t Trust) Read(path string, limit int64) ([]byte, error) {
	file, err := t.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readAll(file, limit)
}

// OpenAny opens any user's regular file, through links too, and does not wait
// for one that is not regular. The error is an [*Error] or the system's.
func OpenAny(path string, flag int) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	regular := func(info fs.FileInfo) error {
		if !info.Mode().IsRegular() {
			return notRegular(path, info)
		}
		return nil
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	return open(path, flag, regular)
}

// ReadAny is [OpenAny] and gives the text, of at most limit bytes.
func ReadAny(path string, limit int64) ([]byte, error) {
	file, err := OpenAny(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readAll(file, limit)
}

func open(path string, flag int, check func(fs.FileInfo) error) (*os.File, error) {
	file, err := os.OpenFile(path, flag|noWait, private)
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

// readAll reads and closes a file. The text is never nil.
func readAll(file *os.File, limit int64) ([]byte, error) {
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, &Error{Path: file.Name(), Reason: TooLarge, Limit: limit}
	}
	return text, err
}

// notRegular tells a folder from what else is not a file.
func notRegular(path string, info fs.FileInfo) error {
	if info.IsDir() {
		return &Error{Path: path, Reason: Folder}
	}
	return &Error{Path: path, Reason: NotRegular}
}

// Reason is why a file is refused.
type Reason int

// The reasons.
const (
	Link          Reason = iota + 1 // it is a symbolic link
	Folder                          // it is a folder
	NotRegular                      // it is a pipe, a device or a socket
	TooLarge                        // it is longer than any file of ours
	Foreign                         // it belongs to another user
	Exposed                         // every user may write it
	ForeignFolder                   // its folder, which Path names, belongs to another user
	NoFolder                        // it is not a folder
	Strange                         // it is in a folder of ours, and is not ours
)

// Error is a file that is refused.
type Error struct {
	Path    string
	Reason  Reason
	Owner   int    // of Foreign and ForeignFolder
	Trusted Owners // who could have been the owner
	Limit   int64  // of TooLarge, in bytes
}

// Error is one sentence about the file.
func (e *Error) Error() string { return e.Path + " " + e.Predicate() }

// Predicate is the sentence without its subject.
func (e *Error) Predicate() string {
	switch e.Reason {
	case Link:
		return "is a symbolic link"
	case Folder:
		return "is a folder"
	case NotRegular:
		return "is not a regular file"
	case TooLarge:
		return fmt.Sprintf("is too large: more than %d bytes", e.Limit)
	case NoFolder:
		return "is not a folder"
	case Strange:
		return "was not put there by quay-keyless"
	case Exposed:
		return "can be written by every user"
	}
	return fmt.Sprintf("belongs to user %d, not to %s", e.Owner, e.Trusted)
}

// String names the users, as in "user 1000 or root".
func (o Owners) String() string {
	text := ""
	for i, uid := range o {
		name := fmt.Sprintf("user %d", uid)
		if uid == 0 {
			name = "root"
		}
		switch {
		case slices.Contains(o[:i], uid):
			continue
		case text != "":
			text += " or "
		}
		text += name
	}
	return text
}
