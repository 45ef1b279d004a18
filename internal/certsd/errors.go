// SPDX-License-Identifier: Apache-2.0

package certsd

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"quay-keyless/internal/errno"
)

// Reason is why a CA certificate could not be installed or removed.
type Reason int

// The reasons.
const (
	Other        Reason = iota // Err tells
	BadRequest                 // what to install, or for whom, makes no sense
	Hides                      // it would hide the file that Err names
	Linked                     // the file or the host's folder is a symbolic link
	NotRegular                 // the file is a folder or a device, the folder a file
	TooLarge                   // the file or the state is above 1 MiB
	Foreign                    // the file belongs to another user
	NotPermitted               // the system does not permit it
	ReadOnly                   // the file system is read-only
	NoSpace                    // the disk, or the quota, is full
	Locked                     // another process held the lock until ctx ended
	BadState                   // the state is damaged, or of another version
)

var words = map[Reason]string{
	Other:        "cannot be used",
	BadRequest:   "cannot be installed",
	Hides:        "would hide what the tools use now",
	Linked:       "is, or is in, a symbolic link, which is left alone",
	NotRegular:   "is not a regular file in a folder",
	TooLarge:     "is too large",
	Foreign:      "belongs to another user",
	NotPermitted: "may not be written",
	ReadOnly:     "is on a read-only file system",
	NoSpace:      "was not changed, the disk is full",
	Locked:       "is locked by another quay-keyless",
	BadState:     "has a state that this version does not understand",
}

// Error says why a CA certificate could not be installed or removed.
type Error struct {
	Path   string // the file, or the certs.d folder
	Reason Reason
	Err    error // may be nil
}

// Error is one sentence about the path.
func (e *Error) Error() string {
	text := strings.TrimSpace("CA certificate "+e.Path) + " " + words[e.Reason]
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives what the system said.
func (e *Error) Unwrap() error { return e.Err }

// because is an Error without its path, which [located] adds.
func because(reason Reason, err error) error {
	return &Error{Reason: reason, Err: errno.Of(err)}
}

// located makes err an [*Error] about path.
func located(path string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return &Error{Path: path, Reason: known.Reason, Err: known.Err}
	}
	return &Error{Path: path, Reason: reasonOf(err), Err: errno.Of(err)}
}

// reasonOf reads the system's error number.
func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, syscall.EROFS):
		return ReadOnly
	case errors.Is(err, syscall.ENOTDIR):
		return NotRegular
	case errors.Is(err, fs.ErrPermission):
		return NotPermitted
	}
	return Other
}
