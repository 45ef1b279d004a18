// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Difference is one way in which two lists of federation entries differ. Field is "" if
// only one list has the entry.
type Difference struct {
	Entry    Entry  // the one before, or the new one
	Field    string // whose value changed
	Old, New json.RawMessage
	Added    bool // an entry that was not there before
	Removed  bool // an entry that is not there any more
}

// String is the difference in one line, as in a diff: + for what is added, - for
// what is removed, ~ for what changes.
func (d Difference) String() string {
	switch {
	case d.Added:
		return "+ " + d.Entry.String() + rest(d.Entry)
	case d.Removed:
		return "- " + d.Entry.String() + rest(d.Entry)
	}
	return fmt.Sprintf("~ %s: %s %s -> %s", d.Entry, d.Field, valueOf(d.Old), valueOf(d.New))
}

// rest are the fields that do not name the entry.
func rest(e Entry) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.fields)) {
		if name != "issuer" && name != "subject" {
			fmt.Fprintf(&text, ", %s %s", name, valueOf(e.fields[name]))
		}
	}
	return text.String()
}

func valueOf(raw json.RawMessage) string {
	if raw == nil {
		return "none"
	}
	return Compact(raw)
}

// Compact is JSON without white space, or the text itself if it is not JSON.
func Compact(raw json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	return compact.String()
}

// Compare tells how a list of entries became another one. Entries are matched by
// issuer and subject; their order is of no meaning to Quay.
func Compare(before, after Entries) []Difference {
	var differences []Difference
	left := slices.Clone(after)
	for _, old := range before {
		i := slices.IndexFunc(left, func(e Entry) bool { return e.Same(old.Issuer, old.Subject) })
		if i < 0 {
			differences = append(differences, Difference{Entry: old, Removed: true})
			continue
		}
		differences = append(differences, compareFields(old, left[i])...)
		left = slices.Delete(left, i, i+1)
	}
	for _, entry := range left {
		differences = append(differences, Difference{Entry: entry, Added: true})
	}
	return differences
}

// compareFields tells in which fields two states of an entry differ.
func compareFields(before, after Entry) []Difference {
	names := map[string]bool{}
	for name := range before.fields {
		names[name] = true
	}
	for name := range after.fields {
		names[name] = true
	}
	var differences []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if old, now := before.fields[name], after.fields[name]; !sameValue(old, now) {
			differences = append(differences, Difference{Entry: before, Field: name, Old: old, New: now})
		}
	}
	return differences
}

// sameValue compares two JSON values, not their spelling.
func sameValue(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return bytes.Equal(a, b) || reflect.DeepEqual(value(a), value(b))
}

// value keeps numbers as they are written.
func value(raw json.RawMessage) any {
	var v any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	_ = decoder.Decode(&v) // it is a part of JSON that was read before
	return v
}
