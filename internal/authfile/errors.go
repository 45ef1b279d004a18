// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
)

// Reason is why an auth file could not be used, in words.
type Reason string

// The reasons. Those up to [NameTooLong] are found by [File.Check].
const (
	Other             Reason = "cannot be used" // Err tells
	BadPath           Reason = "has no usable path"
	SymlinkLoop       Reason = "is in a loop of symbolic links"
	IsFolder          Reason = "is a folder"
	NotRegular        Reason = "is not a regular file"   // a device, a pipe or a socket
	Foreign           Reason = "belongs to another user" // so may its record
	Untrusted         Reason = "cannot be used safely"   // a file or folder that steers the program is not ours; Err names it
	NotReadable       Reason = "is not readable"
	TooLarge          Reason = "is too large"
	Empty             Reason = "is empty (0 bytes); podman rejects it too"
	NotJSON           Reason = "is not JSON"
	TrailingData      Reason = "has more text after its JSON object"
	NotObject         Reason = "is JSON, but not an object"
	AuthsNotObject    Reason = `has an "auths" that is not an object`
	HelpersNotObject  Reason = `has a "credHelpers" that is not an object`
	Duplicate         Reason = "has a key twice, and tools disagree on which one counts"
	FolderUncreatable Reason = "is in a folder that cannot be created"
	FolderReadOnly    Reason = "is in a folder on a read-only file system"
	FolderNotWritable Reason = "is in a folder that this user cannot write to"
	RecordVersion     Reason = "has a record of another version of quay-keyless beside it"
	NameTooLong       Reason = "has a name that is too long" // or that of a file beside it

	BadEntry     Reason = "cannot hold this login"            // what to write is not a login
	Locked       Reason = "is locked by another quay-keyless" // until ctx ended
	NoSpace      Reason = "was not changed because the disk is full"
	ReadOnly     Reason = "is on a read-only file system"
	NotPermitted Reason = "cannot be written by this user"
	Contended    Reason = "was overwritten by another tool each time"
)

// Error says why an auth file could not be used. Its text never holds any of
// the file's contents, at most a single character and a position.
type Error struct {
	Path   string // the auth file, also where Err is about a file beside it
	Reason Reason
	Err    error // may be nil
}

// Error is one sentence about the auth file.
func (e *Error) Error() string {
	text := strings.TrimSpace("auth file "+e.Path) + " " + string(cmp.Or(e.Reason, Other))
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what the system or the JSON decoder said, for [errors.Is] with
// [fs.ErrPermission] and the like.
func (e *Error) Unwrap() error { return e.Err }

// because is an Error without its path, which [located] adds.
func because(reason Reason, err error) error {
	return &Error{Reason: reason, Err: errno.WithoutPath(err)}
}

// located makes err an [*Error] about path, with a reason from the system's
// error number where nothing better is known.
func located(path string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return &Error{Path: path, Reason: known.Reason, Err: known.Err}
	}
	return &Error{Path: path, Reason: reasonOf(err), Err: errno.WithoutPath(err)}
}

// isReason reports whether err is an [*Error] for this reason.
func isReason(err error, reason Reason) bool {
	known, ok := errors.AsType[*Error](err)
	return ok && known.Reason == reason
}

// reasonOf reads the system's error number.
func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, syscall.EROFS):
		return ReadOnly
	case errors.Is(err, syscall.ENAMETOOLONG):
		return NameTooLong
	case errors.Is(err, syscall.ENOTDIR):
		return FolderUncreatable
	case errors.Is(err, fs.ErrPermission):
		return NotPermitted
	}
	return Other
}

// recordFault is a problem with a file beside the auth file, which the message then names.
func recordFault(path string, err error) error {
	if refused, ok := errors.AsType[*ownfile.Error](err); ok { // it names the file itself
		return &Error{Reason: Untrusted, Err: refused}
	}
	reason := reasonOf(err)
	switch reason {
	case ReadOnly:
		reason = FolderReadOnly
	case NotPermitted:
		reason = FolderNotWritable
	}
	return &Error{Reason: reason, Err: fmt.Errorf("%s: %w", path, errno.WithoutPath(err))}
}
