// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"maps"
	"time"
)

// Hold is the need that a login has of its key, from when it is written until its
// logout. Several logins can hold one key of an auth file: jobs of one user that run
// at once. The file has one value then, the latest, which serves them all, and what was
// there before the first comes back when none needs it any more.
type Hold struct {
	// By names whose login it is, which [File.Release] will name again. A second
	// login by the same takes the place of its first. Logins of all who have no name
	// are one; they end with [File.Restore].
	By string
	// From is now and Until is when the login will be of no use any more, so that
	// nobody holds a key for ever who died before his logout. A zero Until never
	// comes.
	From, Until time.Time
}

// holders are who needs a key, and until when. A nil map is nobody.
type holders map[string]time.Time

// with is a copy of h in which by is one of those that are left.
func (h holders) with(by Hold) holders {
	next := h.without(by.By, by.From)
	if next == nil {
		next = holders{}
	}
	next[by.By] = by.Until.UTC().Truncate(time.Second)
	return next
}

// without is a copy of h without one of them, and without those whose time is over.
func (h holders) without(by string, now time.Time) holders {
	next := maps.Clone(h)
	maps.DeleteFunc(next, func(other string, until time.Time) bool {
		return other == by || !until.IsZero() && !until.After(now)
	})
	return next
}

// released is a copy of s in which one of the holders of these keys is gone.
func (s state) released(by string, now time.Time, keys []string) state {
	next := state{Serial: s.Serial, Objects: maps.Clone(s.Objects)}
	for object, part := range next.Objects {
		part.Keys = maps.Clone(part.Keys)
		for _, key := range keys {
			if known, ok := part.Keys[key]; ok {
				known.Holders = known.Holders.without(by, now)
				part.Keys[key] = known
			}
		}
		next.Objects[object] = part
	}
	return next
}

// held reports whether somebody needs a key.
func (s state) held(key string) bool {
	for _, part := range s.Objects {
		if len(part.Keys[key].Holders) > 0 {
			return true
		}
	}
	return false
}
