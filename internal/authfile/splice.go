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
func splice(text []byte, r record, list []edit) ([]byte, record, error) {
	for _, e := range list {
		if text == nil && e.value != nil {
			text, r.Created = emptyFile, true
		}
		var err error
		if text, r, err = spliceOne(text, r, e); err != nil {
			return nil, record{}, err
		}
	}
	return text, r, nil
}

func spliceOne(text []byte, r record, e edit) ([]byte, record, error) {
	d, err := parse(text, e.object)
	if err != nil {
		return nil, record{}, err
	}
	present := d.get(e.key)
	known, _ := r.find(e.object, e.key)
	if e.copied && present != nil {
		return d.data, r, nil
	}
	if e.value == nil {
		return takeOut(d, r, known, present)
	}
	if len(d.inner.members) == 0 {
		r = r.noting(d)
	}
	next := saved{Object: e.object, Key: e.key, Old: present, Wrote: []string{digest(e.value)}}
	if known.ours(present) {
		next = known
		next.Wrote = []string{digest(present), digest(e.value)}
	}
	next.Org, next.Copied = e.org, e.copied
	if !e.copied {
		next = next.heldBy(e.hold)
	}
	return d.set(e.key, e.value), r.with(next, present == nil && next.Cut == nil), nil
}

// noting is a copy of r that knows what an object without keys looks like.
func (r record) noting(d document) record {
	if _, known := r.Empty[d.name]; known {
		return r
	}
	empty := map[string][]byte{d.name: nil}
	for name, text := range r.Empty {
		empty[name] = text
	}
	if d.at >= 0 {
		m := d.top.members[d.at]
		empty[d.name] = bytes.Clone(d.data[m.valueStart:m.valueEnd])
	}
	r.Empty = empty
	return r
}

// takeOut removes a key and records how to restore it: what was there before ours, never
// ours. It ends the holds on ours.
func takeOut(d document, r record, known saved, present []byte) ([]byte, record, error) {
	if present == nil { // missing, or removed already
		if len(known.Holders) > 0 {
			known.Holders = nil
			r = r.with(known, false)
		}
		return d.data, r, nil
	}
	ours := known.ours(present)
	next := saved{Object: known.Object, Key: known.Key, Copied: known.Copied, Old: present, Wrote: []string{""}}
	if ours {
		next.Old, next.Cut, next.Wrote = known.Old, known.Cut, []string{digest(present), ""}
	}
	if ours && (known.Old == nil || known.Cut != nil) { // ours was an addition
		text, err := removeOurs(d, r, known.Key)
		return text, r.with(next, false), err
	}
	if ours {
		var err error
		if d, err = parse(d.put(known.Key, known.Old), d.name); err != nil {
			return nil, record{}, err
		}
	}
	text, piece := d.remove(d.inner, d.find(known.Key))
	next.Cut = &piece
	return text, r.with(next, true), nil
}

// removeOurs removes a key that we added. An object that is empty then is again what it
// was before our first key.
func removeOurs(d document, r record, key string) ([]byte, error) {
	text, _ := d.remove(d.inner, d.find(key))
	before, known := r.Empty[d.name]
	if !known || len(d.inner.members) > 1 {
		return text, nil
	}
	d, err := parse(text, d.name)
	if err != nil {
		return nil, err
	}
	if len(before) > 0 {
		return d.replace(d.top.members[d.at], before), nil
	}
	text, _ = d.remove(d.top, d.at)
	return text, nil
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

// isIn reports whether a value that we wrote, and that is not what was there before, is in
// the text. A text that cannot be read may have one.
func (r record) isIn(text []byte) bool {
	return slices.ContainsFunc(r.Keys, func(s saved) bool {
		d, err := parse(text, s.Object)
		if err != nil {
			return true
		}
		present := d.get(s.Key)
		return present != nil && s.ours(present) && !bytes.Equal(present, s.Old)
	})
}

// unsplice returns the file's text without our values under the keys that the record
// knows, and what became of each. A text without any returns unchanged.
func unsplice(text []byte, r record) ([]byte, map[string]Result, error) {
	results := map[string]Result{}
	for _, s := range slices.Backward(r.Keys) {
		next, result, err := unspliceOne(text, r, s)
		if err != nil {
			return nil, nil, err
		}
		text, results[s.Key] = next, results[s.Key].and(result)
	}
	return text, results, nil
}

func unspliceOne(text []byte, r record, s saved) ([]byte, Result, error) {
	d, err := parse(text, s.Object)
	if err != nil {
		return nil, "", err
	}
	switch present := d.get(s.Key); {
	case present == nil && s.Cut != nil && s.ours(nil) && text != nil:
		text, err = d.paste(*s.Cut, s.Key, s.Old)
		return text, Restored, err
	case present == nil:
		return text, Gone, nil
	case bytes.Equal(present, s.Old):
		return text, Restored, nil
	case !s.ours(present):
		return text, NotOurs, nil
	case s.Old != nil && s.Cut == nil:
		return d.put(s.Key, s.Old), Restored, nil
	}
	if text, err = removeOurs(d, r, s.Key); err != nil || s.Cut == nil {
		return text, Removed, err
	}
	if d, err = parse(text, s.Object); err != nil {
		return nil, "", err
	}
	text, err = d.paste(*s.Cut, s.Key, s.Old)
	return text, Restored, err
}
