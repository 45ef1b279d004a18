// SPDX-License-Identifier: Apache-2.0

package ownfile

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Reason is why a file is refused, in words.
type Reason string

// The reasons.
const (
	Link       Reason = "is a symbolic link"
	Folder     Reason = "is a folder"
	NotRegular Reason = "is not a regular file" // a pipe, a device or a socket
	TooLarge   Reason = "is too large"
	Foreign    Reason = "belongs to user" // so does a folder, if Path names that
	Exposed    Reason = "can be written by every user"
	NoFolder   Reason = "is not a folder"
	Strange    Reason = "was not put there by quay-keyless"
)

// Error is a file that is refused.
type Error struct {
	Path   string
	Reason Reason
	Detail string // continues Reason
}

// Error is one sentence about the file.
func (e *Error) Error() string { return e.Path + " " + e.Predicate() }

// Predicate is the sentence without its subject.
func (e *Error) Predicate() string { return string(e.Reason) + e.Detail }

// SameOwner reports whether two files have the same owner and group, as far as the system
// has such.
func SameOwner(a, b fs.FileInfo) bool {
	uid, gid, _ := OwnerOf(a)
	otherUID, otherGID, _ := OwnerOf(b)
	return uid == otherUID && gid == otherGID
}

// owned finds an owner who is not one of these.
func (o Owners) owned(path string, info fs.FileInfo) error {
	owner, _, known := OwnerOf(info)
	if !known || o == nil || slices.Contains(o, owner) {
		return nil
	}
	return &Error{path, Foreign, fmt.Sprintf(" %d, not to %s", owner, o)}
}

// exposed finds what every user can write, if owners count.
func (o Owners) exposed(path string, info fs.FileInfo) error {
	if o == nil || info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	return &Error{Path: path, Reason: Exposed}
}

// String names the users, as in "user 1000 or root".
func (o Owners) String() string {
	var names []string
	for _, uid := range o {
		name := fmt.Sprintf("user %d", uid)
		if uid == 0 {
			name = "root"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}
