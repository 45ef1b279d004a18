// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"slices"
)

// side is where a parked member stood, as seen from its neighbour.
type side string

const (
	standsBefore side = "before"
	standsAfter  side = "after"
	standsAlone  side = "alone" // there was no neighbour
)

// parked is one member that was taken out, with its comma and white space, and
// where it goes back to.
type parked struct {
	Text   []byte `json:"text"`
	Side   side   `json:"side"`
	Beside string `json:"beside,omitempty"` // the neighbour's key
	Nth    int    `json:"nth,omitempty"`    // which of several members of that key it is, from 0
	Object int    `json:"object,omitempty"` // which of several objects of one name
}

// takeOut takes every member of that key out and keeps the text for the way
// back: never one of ours, in whose place what was there before is kept. Those who
// held ours hold nothing any more.
func takeOut(text []byte, s state, e edit) ([]byte, state, error) {
	if text == nil {
		return nil, s, nil
	}
	d, err := parse(text, e.object)
	if err != nil {
		return nil, state{}, err
	}
	part := s.Objects[e.object]
	known, present := part.Keys[e.key], d.get(e.key)
	next := saved{Old: present, Wrote: []string{digest(nil)}}
	switch {
	case present == nil && len(known.Holders) > 0:
		known.Holders = nil
		return text, s.noting(e, known, part.Was), nil
	case present == nil:
		return text, s, nil // nothing there, or taken out already
	case known.ours(present):
		next = saved{Old: known.Old, Parked: known.Parked, Wrote: []string{digest(present), digest(nil)}}
		if known.Old == nil || known.Parked != nil { // ours was an addition
			text, err = d.remove(e.key, part.Was)
			return text, s.noting(e, next, part.Was), err
		}
		text = d.put(e.key, known.Old)
	}
	text, next.Parked, err = park(text, e.object, e.key)
	return text, s.noting(e, next, part.Was), err
}

// park cuts all members of one key out.
func park(text []byte, name, key string) ([]byte, []parked, error) {
	var pieces []parked
	for {
		d, err := parse(text, name)
		if err != nil {
			return nil, nil, err
		}
		o, i := d.find(key)
		if i < 0 {
			return text, pieces, nil
		}
		from, to := o.span(i)
		piece := parked{Text: bytes.Clone(text[from:to]), Side: standsAlone, Object: slices.Index(d.objects, o)}
		switch {
		case i < o.last():
			piece.Side, piece.Beside, piece.Nth = standsBefore, o.members[i+1].key, o.nth(i+1)
		case i > 0:
			piece.Side, piece.Beside, piece.Nth = standsAfter, o.members[i-1].key, o.nth(i-1)
		}
		pieces = append(pieces, piece)
		text = d.cut(o, i)
	}
}

// unpark puts parked members back where they stood. Where the neighbours are
// gone, the value that counted goes behind the last member.
func unpark(text []byte, name, key string, known saved) ([]byte, error) {
	for _, piece := range slices.Backward(known.Parked) {
		d, err := parse(text, name)
		if err != nil {
			return nil, err
		}
		if at := d.place(piece); at >= 0 {
			text = slices.Insert(bytes.Clone(text), at, piece.Text...)
		}
	}
	d, err := parse(text, name)
	if err != nil || bytes.Equal(d.get(key), known.Old) {
		return text, err
	}
	text, _ = d.set(key, known.Old)
	if d, err = parse(text, name); err != nil {
		return nil, err
	}
	return d.put(key, known.Old), nil
}

// place is the offset at which a parked member belongs, -1 where it has none.
func (d document) place(piece parked) int {
	if piece.Object < 0 || piece.Object >= len(d.objects) {
		return -1
	}
	o := d.objects[piece.Object]
	i := o.find(piece.Beside, piece.Nth)
	switch {
	case piece.Side == standsAlone && len(o.members) == 0:
		return o.open
	case piece.Side == standsBefore && i >= 0:
		return o.members[i].keyStart
	case piece.Side == standsAfter && i >= 0:
		return o.members[i].valueEnd
	}
	return -1
}
