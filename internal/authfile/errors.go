// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/ownfile"
)

// Reason is why an auth file could not be used.
type Reason int

// The reasons. Those up to [NameTooLong] are found by [File.Check].
const (
	Other             Reason = iota // Err tells
	BadPath                         // the path is empty or cannot be made absolute
	SymlinkLoop                     // the path's symlinks never end
	IsFolder                        // the path is a folder
	NotRegular                      // a device, a pipe or a socket
	Foreign                         // the file, or its record, belongs to another user
	Untrusted                       // a file or folder that steers the program is not ours; Err names it
	NotReadable                     // the file, or its record, may not be read
	TooLarge                        // above 16 MiB
	Empty                           // 0 bytes
	NotJSON                         // not JSON
	TrailingData                    // something follows the JSON object
	NotObject                       // JSON, but not an object
	AuthsNotObject                  // "auths" is not an object
	HelpersNotObject                // "credHelpers" is not an object
	Duplicate                       // a key that we would write is there twice
	FolderUncreatable               // the folder is missing and cannot be created
	FolderReadOnly                  // the folder is on a read-only file system
	FolderNotWritable               // the folder may not be written
	RecordVersion                   // another version of this program left the record
	NameTooLong                     // the file's name, or that of a file beside it, is too long

	BadEntry     // what to write is not a login
	Locked       // another process held the lock until ctx ended
	NoSpace      // the disk, or the quota, is full
	ReadOnly     // the file itself is on a read-only file system
	NotPermitted // the system does not permit the write
	Contended    // another tool, without a lock, undid every write
)

var words = map[Reason]string{
	Other:             "cannot be used",
	BadPath:           "has no usable path",
	SymlinkLoop:       "is in a loop of symbolic links",
	IsFolder:          "is a folder",
	NotRegular:        "is not a regular file",
	Foreign:           "belongs to another user",
	Untrusted:         "cannot be used safely",
	NotReadable:       "is not readable",
	TooLarge:          "is too large",
	Empty:             "is empty (0 bytes); podman rejects it too",
	NotJSON:           "is not JSON",
	TrailingData:      "has more text after its JSON object",
	NotObject:         "is JSON, but not an object",
	AuthsNotObject:    `has an "auths" that is not an object`,
	HelpersNotObject:  `has a "credHelpers" that is not an object`,
	FolderUncreatable: "is in a folder that cannot be created",
	FolderReadOnly:    "is in a folder on a read-only file system",
	FolderNotWritable: "is in a folder that this user cannot write to",
	Duplicate:         "has a key twice, and tools disagree on which one counts",
	RecordVersion:     "has a record of another version of quay-keyless beside it",
	NameTooLong:       "has a name that is too long",
	BadEntry:          "cannot hold this login",
	Locked:            "is locked by another quay-keyless",
	NoSpace:           "was not changed because the disk is full",
	ReadOnly:          "is on a read-only file system",
	NotPermitted:      "cannot be written by this user",
	Contended:         "was overwritten by another tool each time",
}

// Error says why an auth file could not be used. Its text never holds any of
// the file's contents, at most a single character and a position.
type Error struct {
	Path   string // the auth file, also where Err is about a file beside it
	Reason Reason
	Err    error // may be nil
}

// Error is one sentence about the auth file.
func (e *Error) Error() string {
	return strings.TrimSpace("auth file "+e.Path) + " " + e.Predicate()
}

// Predicate is the sentence without its subject, as in "is empty".
func (e *Error) Predicate() string {
	text := words[e.Reason]
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
	var known *Error
	if errors.As(err, &known) {
		return &Error{Path: path, Reason: known.Reason, Err: known.Err}
	}
	return &Error{Path: path, Reason: reasonOf(err), Err: errno.WithoutPath(err)}
}

// isReason reports whether err is an [*Error] for this reason.
func isReason(err error, reason Reason) bool {
	var known *Error
	return errors.As(err, &known) && known.Reason == reason
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
	var refused *ownfile.Error // it names the file itself
	if errors.As(err, &refused) {
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
