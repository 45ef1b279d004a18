// SPDX-License-Identifier: Apache-2.0

package ownfile

import (
	"fmt"
	"slices"
)

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
