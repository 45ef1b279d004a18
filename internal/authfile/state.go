// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stateVersion is what this program writes and the only one it understands.
const stateVersion = 1

// state is what it takes to put an auth file back: never anything that we wrote,
// only what was there before, and hashes.
type state struct {
	Version int                `json:"version"`
	Serial  uint64             `json:"serial"` // the highest one counts
	Objects map[string]section `json:"objects"`
}

// section is one top-level object of the auth file.
type section struct {
	Was  origin           `json:"was,omitempty"`
	Keys map[string]saved `json:"keys"`
}

// saved is one key of ours.
type saved struct {
	// Old is the raw value from before our first login, nil where there was none.
	Old []byte `json:"old,omitempty"`
	// Wrote are the digests of our values, that of nothing where ours is that
	// the key is not there. There are two after a login over a login: a process
	// may die between writing the state and the auth file.
	Wrote []string `json:"wrote"`
	// Parked is Old with its surroundings, where we took it out.
	Parked []parked `json:"parked,omitempty"`
	// Holders are whose logins need our value.
	Holders holders `json:"holders,omitempty"`
}

// digest is how the state knows a value again: the SHA-256 of its JSON without
// white space between the tokens, since docker and podman indent the whole
// file anew whenever they write it.
func digest(value []byte) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err == nil {
		value = compact.Bytes()
	}
	return sha256Hex(value)
}

func sha256Hex(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ours reports whether value is one that we wrote.
func (s saved) ours(value []byte) bool {
	return slices.Contains(s.Wrote, digest(value))
}

// wroteLast reports whether what the file has under the edits' keys is what the
// latest login of ours wrote there. An earlier one's is not: another tool may
// have put that back.
func (s state) wroteLast(text []byte, list []edit) bool {
	for _, e := range list {
		d, err := parse(text, e.object)
		wrote := s.Objects[e.object].Keys[e.key].Wrote
		if err != nil || len(wrote) == 0 || wrote[len(wrote)-1] != digest(d.get(e.key)) {
			return false
		}
	}
	return true
}

// over is what to know of a key when an edit's value is about to replace present.
// Over our own value the first old one and its holders stay; another tool's becomes
// the old one, and what it replaced nobody holds any more.
func (s saved) over(present []byte, e edit) saved {
	if s.ours(present) {
		return saved{Old: s.Old, Wrote: []string{digest(present), digest(e.value)}, Parked: s.Parked, Holders: s.Holders.with(e.hold)}
	}
	return saved{Old: present, Wrote: []string{digest(e.value)}, Holders: holders(nil).with(e.hold)}
}

// with is a copy of s in which an edit is noted: what it replaces, and what the
// object was before it.
func (s state) with(e edit, present []byte, was origin) state {
	part := s.Objects[e.object]
	if was == wasThere && len(part.Keys) > 0 {
		was = part.Was
	}
	return s.noting(e, part.Keys[e.key].over(present, e), was)
}

// noting is a copy of s with what to know of an edit's key and object.
func (s state) noting(e edit, known saved, was origin) state {
	next := state{Serial: s.Serial, Objects: maps.Clone(s.Objects)}
	if next.Objects == nil {
		next.Objects = map[string]section{}
	}
	keys := maps.Clone(s.Objects[e.object].Keys)
	if keys == nil {
		keys = map[string]saved{}
	}
	keys[e.key] = known
	next.Objects[e.object] = section{Was: was, Keys: keys}
	return next
}

// keys are all that the state knows, each once, sorted.
func (s state) keys() []string {
	known := map[string]bool{}
	for _, part := range s.Objects {
		for key := range part.Keys {
			known[key] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

// without is a copy of s that no longer knows these keys of an object.
func (s state) without(object string, keys []string) state {
	next := state{Serial: s.Serial, Objects: maps.Clone(s.Objects)}
	part := s.Objects[object]
	part.Keys = maps.Clone(part.Keys)
	for _, key := range keys {
		delete(part.Keys, key)
	}
	if len(part.Keys) == 0 {
		delete(next.Objects, object)
	} else {
		next.Objects[object] = part
	}
	return next
}

// A record is one state in the state file: the hexadecimal SHA-256 of its JSON,
// a space, the JSON, a newline. The file may hold several, and what is left of
// some; the one with the highest serial counts. So a new one can be written
// beside the one that counts, and a write that was cut off does no harm.
type record struct {
	state      state
	start, end int // in the file
}

// encode is s as a record.
func (s state) encode() ([]byte, error) {
	s.Version = stateVersion
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encoding the state: %w", err)
	}
	return slices.Concat([]byte(sha256Hex(text)), []byte(" "), text, []byte("\n")), nil
}

// parseState finds the record that counts. A file without any gives the zero
// record, and lost reports that it holds something all the same. The error is a
// [StateVersion].
func parseState(data []byte) (newest record, lost bool, err error) {
	for start := 0; start < len(data); {
		line, _, complete := bytes.Cut(data[start:], []byte("\n"))
		end := start + len(line) + 1
		if s, ok := parseRecord(line); ok && complete && (newest.end == 0 || s.Serial > newest.state.Serial) {
			newest = record{state: s, start: start, end: end}
		}
		start = end
	}
	if newest.end == 0 {
		return record{}, len(data) > 0, nil
	}
	switch v := newest.state.Version; v {
	case stateVersion:
		return newest, false, nil
	case strangeVersion:
		return record{}, false, because(StateVersion, errors.New("something in it is not known to this one"))
	default:
		return record{}, false, because(StateVersion, fmt.Errorf("version %d, not %d", v, stateVersion))
	}
}

// strangeVersion stands for a record of our version with something in it that we do
// not know, and would lose by writing the state anew.
const strangeVersion = -1

// parseRecord reads one line of a state file. Since its digest is right, what cannot
// be understood was written so.
func parseRecord(line []byte) (state, bool) {
	sum, text, _ := bytes.Cut(line, []byte(" "))
	if string(sum) != sha256Hex(text) {
		return state{}, false
	}
	var envelope struct {
		Version int    `json:"version"`
		Serial  uint64 `json:"serial"`
	}
	if err := json.Unmarshal(text, &envelope); err != nil {
		return state{}, false
	}
	if envelope.Version != stateVersion { // the rest may look different
		return state{Version: envelope.Version, Serial: envelope.Serial}, true
	}
	var s state
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&s); err != nil {
		return state{Version: strangeVersion, Serial: envelope.Serial}, true
	}
	return s, true
}

// expand is the keys that a restore of these is about: all where there are none,
// and with a host the organizations below it.
func (s state) expand(keys []string) []string {
	known := s.keys()
	if len(keys) == 0 {
		return known
	}
	all := slices.Clone(keys)
	for _, key := range known {
		host, _, below := strings.Cut(key, "/")
		if below && slices.Contains(keys, host) && !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}
