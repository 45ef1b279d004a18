// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"slices"
)

// edit is one change to an auth file: the key of the top-level object gets value, held by
// who needs it, or with a nil value is removed.
type edit struct {
	object, key string
	org         string // see [Entry.Org]
	value       []byte
	hold        Hold
	copied      bool // from what tools saw before an isolated login
}

// objects are those that we write into.
var objects = []string{auths, credHelpers}

// emptyFile is a new auth file without logins.
var emptyFile = []byte("{\n\t\"auths\": {}\n}\n")

// splice returns the file's text with the edits, and the record that leads back from it.
// It begins with the text without our values, so that each key's edit can be reverted,
// whatever the order of logins and logouts.
func splice(text []byte, r record, list []edit) ([]byte, record, error) {
	base, r, err := r.strip(text, r)
	if err != nil {
		return nil, record{}, err
	}
	for _, e := range list {
		r.want(e)
	}
	if base == nil {
		base, r.Created = emptyFile, true
	}
	return r.apply(base)
}

// strip returns the text without our values, and the record with what became of each key.
// If nobody changed the file since all was written, every byte is as it was before our
// logins. Otherwise each key gets its old value back.
func (r record) strip(text []byte, all record) ([]byte, record, error) {
	base := text
	r.Keys = slices.Clone(r.Keys)
	for i := range slices.Backward(r.Keys) {
		d, err := parse(base, r.Keys[i].Object)
		if err != nil {
			return nil, record{}, err
		}
		base = r.Keys[i].strip(d)
	}
	if before, ok := all.revert(text); ok {
		base = before
	}
	return base, r, nil
}

// strip returns the file's text without our value, if it is there.
func (s *saved) strip(d document) []byte {
	present := d.get(s.Key)
	s.active, s.value, s.found = true, compact(present), Restored
	switch {
	case present == nil && s.ours(nil) && s.Old != nil && d.data != nil:
		return d.set(s.Key, s.Old)
	case present == nil:
		s.active, s.found = false, Gone
	case bytes.Equal(present, s.Old):
		s.active = false
	case !s.ours(present):
		s.active, s.found = false, NotOurs
	case s.Old == nil:
		s.found = Removed
		return d.remove(s.Key)
	default:
		return d.put(s.Key, s.Old)
	}
	return d.data
}

// revert undoes the edits in the text that they led to.
func (r record) revert(text []byte) (before []byte, ok bool) {
	if r.Wrote != sha256Hex(text) {
		return nil, false
	}
	for _, s := range slices.Backward(r.Keys) {
		if s.At < 0 || s.Len < 0 || s.At > len(text)-s.Len { // the record was damaged
			return nil, false
		}
		text = slices.Concat(text[:s.At], s.Was, text[s.At+s.Len:])
	}
	return text, true
}

// apply makes the edits of all active keys in a text without our values.
func (r record) apply(text []byte) ([]byte, record, error) {
	r.Keys = slices.Clone(r.Keys)
	for i := range r.Keys {
		s := &r.Keys[i]
		s.At, s.Len, s.Was = 0, 0, nil
		if !s.active {
			continue
		}
		d, err := parse(text, s.Object)
		if err != nil {
			return nil, record{}, err
		}
		if s.Old = d.get(s.Key); s.value != nil {
			text = d.set(s.Key, s.value)
		} else if s.Old != nil {
			text = d.remove(s.Key)
		} else if len(s.Wrote) == 0 { // nothing was there, nor is to be
			continue
		}
		s.compare(d.data, text)
		if !s.latest(s.value) {
			s.Wrote = append(slices.Clone(s.Wrote[max(0, len(s.Wrote)-1):]), digest(s.value))
		}
	}
	r.Keys = slices.DeleteFunc(r.Keys, func(s saved) bool { return len(s.Wrote) == 0 })
	r.Wrote = sha256Hex(text)
	return text, r, nil
}

// compare notes what an edit replaced.
func (s *saved) compare(before, after []byte) {
	end := min(len(before), len(after))
	for s.At < end && before[s.At] == after[s.At] {
		s.At++
	}
	same := 0
	for same < end-s.At && before[len(before)-1-same] == after[len(after)-1-same] {
		same++
	}
	s.Was, s.Len = bytes.Clone(before[s.At:len(before)-same]), len(after)-same-s.At
}

// want adds an edit to those that the file is to have. Ours that another tool replaced
// is forgotten.
func (r *record) want(e edit) {
	i := r.index(e.object, e.key)
	if i < 0 {
		i, r.Keys = len(r.Keys), append(r.Keys, saved{})
	}
	s := &r.Keys[i]
	if !s.active {
		*s = saved{Object: e.object, Key: e.key}
	}
	s.active, s.value, s.Org = true, e.value, e.org
	switch {
	case e.value == nil:
		s.Holders = nil
	case e.copied:
		s.Copied = true
	default:
		s.Copied = false
		s.hold(e.hold)
	}
}

// kept reports whether the file still has the edits, or a later login of ours: two jobs
// of one user would otherwise undo each other forever.
func kept(text []byte, r record, list []edit) bool {
	for _, e := range list {
		d, err := parse(text, e.object)
		if err != nil {
			return false
		}
		present := d.get(e.key)
		known, _ := r.find(e.object, e.key)
		if !e.copied && digest(present) != digest(e.value) && !known.latest(present) {
			return false
		}
	}
	return true
}
