// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// member is one "key": value of a JSON object, by its offsets.
type member struct {
	key                  string // decoded
	keyStart, keyEnd     int    // with the quotes
	valueStart, valueEnd int
	object               *object // the value, where it was looked into
}

// object is one JSON object by its offsets, the members in the file's order,
// duplicates and all.
type object struct {
	open    int // behind the brace
	depth   int // of the members: 1 in the file's own object
	members []member
}

// scanner reads objects out of valid JSON.
type scanner struct {
	data    []byte
	decoder *json.Decoder
	into    string // the members whose objects are looked into, see named
}

// object reads the object that comes next, nested ones into depth 2 at most.
func (s *scanner) object(depth int) (*object, error) {
	if _, err := s.decoder.Token(); err != nil {
		return nil, err
	}
	o := &object{open: s.offset(), depth: depth}
	for s.decoder.More() {
		m, err := s.member(depth)
		if err != nil {
			return nil, err
		}
		o.members = append(o.members, m)
	}
	_, err := s.decoder.Token()
	return o, err
}

// member reads one key and its value.
func (s *scanner) member(depth int) (m member, err error) {
	end := s.offset()
	key, err := s.decoder.Token()
	if err != nil {
		return m, err
	}
	m.key, m.keyEnd = key.(string), s.offset()
	// Before a key there is nothing but a comma and white space, before a
	// value nothing but a colon and white space.
	m.keyStart = end + bytes.IndexByte(s.data[end:], '"')
	m.valueStart = len(s.data) - len(bytes.TrimLeft(s.data[m.keyEnd:], ": \t\r\n"))
	if depth == 1 && named(m.key, s.into) && s.data[m.valueStart] == '{' {
		m.object, err = s.object(depth + 1)
	} else {
		var value json.RawMessage
		err = s.decoder.Decode(&value)
	}
	m.valueEnd = s.offset()
	return m, err
}

func (s *scanner) offset() int { return int(s.decoder.InputOffset()) }

// named reports whether a top-level key is what Go's tools (podman, skopeo,
// docker, crane) decode into the field of that name: they ignore case.
func named(key, name string) bool { return strings.EqualFold(key, name) }

// indexOf is the position of the member that counts: with duplicate keys the
// last one, as encoding/json decodes. It is -1 where there is none.
func (o *object) indexOf(key string) int {
	for i, m := range slices.Backward(o.members) {
		if m.key == key {
			return i
		}
	}
	return -1
}

// nth is how many members before i have its key.
func (o *object) nth(i int) int {
	n := 0
	for _, m := range o.members[:i] {
		if m.key == o.members[i].key {
			n++
		}
	}
	return n
}

// find is the position of the member that [object.nth] told, or of the last one
// with its key where there are fewer by now, -1 where there is none.
func (o *object) find(key string, nth int) int {
	found := -1
	for i, m := range o.members {
		if m.key == key {
			found = i
			if nth--; nth < 0 {
				break
			}
		}
	}
	return found
}

// last is the position of the last member, -1 in an empty object.
func (o *object) last() int { return len(o.members) - 1 }

// gap is what stands between member i and the comma or brace before it.
func (o *object) gap(data []byte, i int) []byte {
	start := o.open
	if i > 0 {
		start = o.members[i-1].valueEnd
		start += bytes.IndexByte(data[start:], ',') + 1
	}
	return data[start:o.members[i].keyStart]
}

// document is an auth file's text, looked into as far as one of its top-level
// objects.
type document struct {
	data []byte
	name string // the one asked for
	top  *object
	// objects are those under the name asked for that count. encoding/json
	// merges duplicates, and a null takes away all that came before it.
	objects []*object
	named   []member // all the members of top with that name
}

var null = []byte("null")

// parse reads an auth file's text and finds the top-level object of that name.
// The error is an [*Error] without its path.
func parse(data []byte, name string) (document, error) {
	if err := validate(data); err != nil {
		return document{}, err
	}
	s := scanner{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), into: name}
	top, err := s.object(1)
	if err != nil {
		return document{}, because(NotJSON, err)
	}
	d := document{data: data, name: name, top: top}
	for _, m := range top.members {
		if !named(m.key, name) {
			continue
		}
		d.named = append(d.named, m)
		switch {
		case m.object != nil:
			d.objects = append(d.objects, m.object)
		case bytes.Equal(data[m.valueStart:m.valueEnd], null):
			d.objects = nil
		default:
			return document{}, because(notObject(name), nil)
		}
	}
	return d, nil
}

// notObject is the reason of a top-level value of that name.
func notObject(name string) Reason {
	if name == credHelpers {
		return HelpersNotObject
	}
	return AuthsNotObject
}

// validate says why data is not one JSON object.
func validate(data []byte) error {
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(data) == 0:
		return because(Empty, nil)
	case len(text) == 0:
		return because(NotJSON, errors.New("there is only white space"))
	case !json.Valid(text):
		return invalid(data)
	case text[0] != '{':
		return because(NotObject, nil)
	}
	return nil
}

// invalid tells JSON that something follows from what is none.
func invalid(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		return because(NotJSON, err)
	}
	return because(TrailingData, nil)
}

// find gives the object and position of the member that counts.
func (d document) find(key string) (*object, int) {
	for _, o := range slices.Backward(d.objects) {
		if i := o.indexOf(key); i >= 0 {
			return o, i
		}
	}
	return nil, -1
}

// empty reports whether no member is left under the name.
func (d document) empty() bool {
	return !slices.ContainsFunc(d.objects, func(o *object) bool { return len(o.members) > 0 })
}
