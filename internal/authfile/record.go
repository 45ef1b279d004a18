// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// recordVersion is what this program writes. It also reads version 1, which kept
// nothing but the old values.
const recordVersion = 2

// record says how to put an auth file back: what was there before our logins, and
// which jobs still need them. It is JSON in a file beside the auth file, and holds no
// token of ours, only digests.
type record struct {
	Version int       `json:"version"`
	Wrote   string    `json:"wrote"`             // the digest of the auth file as we last wrote it
	Others  time.Time `json:"others,omitzero"`   // when another tool last wrote it, as far as we saw
	Created bool      `json:"created,omitempty"` // our first login made the file
	Folder  *Folder   `json:"folder,omitempty"`  // around a file of an isolated login
	Keys    []saved   `json:"keys"`              // in the order of their edits
}

// saved is one key of ours.
type saved struct {
	Object string `json:"object"`
	Key    string `json:"key"`
	Org    string `json:"org,omitempty"`    // see [Entry.Org]
	Copied bool   `json:"copied,omitempty"` // by an isolated login: it goes with the last one
	Old    []byte `json:"old,omitempty"`    // the value before our first login (nil: none)
	// Our edit replaced Was by Len bytes at At, after the edits of the keys before.
	At  int    `json:"at,omitempty"`
	Len int    `json:"len,omitempty"`
	Was []byte `json:"was,omitempty"`
	// Wrote are the digests of our last two values ("": no key), because a process may
	// be killed between writing the record and writing the auth file.
	Wrote []string `json:"wrote"`
	// Holders are the jobs that need our value, and until when. Zero means without end.
	Holders map[string]time.Time `json:"holders,omitempty"`

	active bool   // the file is to have value, or no key if that is nil
	value  []byte // JSON
	found  Result // what a logout makes of it
}

// Hold says that a login needs its key until logout. Several jobs of one user can hold
// one key at once: the file then has the latest value, which serves all of them, and the
// value from before the first login returns when no job needs the key any more.
type Hold struct {
	// By names whose login it is, for [File.Release]. A second login by the same
	// replaces the first one. All logins without a name are one.
	By string
	// From is now. A zero Until never comes; any other ends the hold of a job that was
	// killed before its logout, after a day at most.
	From, Until time.Time
}

// longestHold limits a hold, whatever a token says.
const longestHold = 24 * time.Hour

// digest is how the record knows a value again: the SHA-256 of its JSON without white
// space between the tokens, since docker and podman indent the whole file again
// whenever they write it. It is "" for a missing value.
func digest(value []byte) string {
	if value == nil {
		return ""
	}
	return sha256Hex(compact(value))
}

// compact is JSON without white space between the tokens.
func compact(value []byte) []byte {
	var short bytes.Buffer
	if json.Compact(&short, value) != nil {
		return value
	}
	return short.Bytes()
}

func sha256Hex(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ours reports whether value is one that we wrote.
func (s saved) ours(value []byte) bool { return slices.Contains(s.Wrote, digest(value)) }

// latest reports whether value is the one that we wrote last.
func (s saved) latest(value []byte) bool {
	return len(s.Wrote) > 0 && s.Wrote[len(s.Wrote)-1] == digest(value)
}

// hold adds a hold, and drops those whose time is over.
func (s *saved) hold(by Hold) {
	s.release(by.By, by.From)
	if latest := by.From.Add(longestHold); by.Until.After(latest) {
		by.Until = latest
	}
	s.Holders[by.By] = by.Until.UTC().Truncate(time.Second)
}

// release drops a job's hold, and those whose time is over.
func (s *saved) release(by string, now time.Time) {
	left := map[string]time.Time{}
	for other, until := range s.Holders {
		if other != by && (until.IsZero() || until.After(now)) {
			left[other] = until
		}
	}
	s.Holders = left
}

func (s saved) copy() Copy { return Copy{Helper: s.Object == credHelpers, Key: s.Key} }

// index is where a key is in the record, -1 if it is not.
func (r record) index(object, key string) int {
	return slices.IndexFunc(r.Keys, func(s saved) bool { return s.Object == object && s.Key == key })
}

// find returns what is known of a key.
func (r record) find(object, key string) (known saved, ok bool) {
	if i := r.index(object, key); i >= 0 {
		return r.Keys[i], true
	}
	return saved{}, false
}

// only is a copy of r with the keys for which keep is true.
func (r record) only(keep func(saved) bool) record {
	r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), func(s saved) bool { return !keep(s) })
	return r
}

// expand is the keys that a logout of these is about: all if there are none, with a host
// the organizations below it, and for HOST/ORG the login under HOST that is for it.
func (r record) expand(keys []string) (about []string) {
	for _, key := range keys {
		if i := slices.IndexFunc(r.Keys, func(s saved) bool { return s.Org != "" && s.Key+"/"+s.Org == key }); i >= 0 {
			key = r.Keys[i].Key
		}
		about = append(about, key)
	}
	for _, s := range r.Keys {
		below := HostOf(s.Key) != s.Key && slices.Contains(keys, HostOf(s.Key))
		if !s.Copied && (below || len(keys) == 0) && !slices.Contains(about, s.Key) {
			about = append(about, s.Key)
		}
	}
	if len(keys) == 0 {
		slices.Sort(about)
	}
	return slices.Compact(about)
}

// needed reports whether a job needs a key.
func (r record) needed(key string) bool {
	return slices.ContainsFunc(r.Keys, func(s saved) bool { return s.Key == key && len(s.Holders) > 0 })
}

// staying reports whether a logout of these keys leaves what the record knows of one. A
// helper that was removed for logins, or the reverse, stays removed as long as one of
// those for this host stays: a helper wins over HOST/ORG as well.
func (r record) staying(keys []string) func(saved) bool {
	stays := func(s saved) bool { return !slices.Contains(keys, s.Key) || r.needed(s.Key) }
	return func(s saved) bool {
		if !s.latest(nil) {
			return stays(s)
		}
		return slices.ContainsFunc(r.Keys, func(other saved) bool {
			return other.Object != s.Object && !other.latest(nil) && sameHost(other.Key, s.Key) && stays(other)
		})
	}
}

func sameHost(a, b string) bool { return HostOf(a) == HostOf(b) }

// encode is the record's file, nil if there is nothing to put back.
func (r record) encode() ([]byte, error) {
	if len(r.Keys) == 0 {
		return nil, nil
	}
	r.Version = recordVersion
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the record: %w", err)
	}
	return append(text, '\n'), nil
}

// decodeRecord reads a record's file; lost reports that the text is not a record. The
// error is a [RecordVersion]: a record that is not understood whole would lose something
// when it is written again.
func decodeRecord(text []byte) (r record, lost bool, err error) {
	var written struct{ Version int }
	if json.Unmarshal(text, &written) != nil || written.Version == 0 {
		return record{}, len(text) > 0 && !bytes.Equal(text, emptyFile), nil // of a record that could not be removed
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	switch written.Version {
	case 1:
	case recordVersion:
		decoder.DisallowUnknownFields()
	default:
		return record{}, false, because(RecordVersion, fmt.Errorf("version %d, not %d", written.Version, recordVersion))
	}
	if err := decoder.Decode(&r); err != nil {
		return record{}, false, because(RecordVersion, errors.New("it holds something that this version does not know"))
	}
	if written.Version == 1 {
		r.Wrote = "" // so it does not say how to revert the file
	}
	return r, false, nil
}
