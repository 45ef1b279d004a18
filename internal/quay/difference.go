// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
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

func valueOf(raw json.RawMessage) string { return cmp.Or(Compact(raw), "none") }

// Compare tells how a list of entries became another one. Entries are matched by
// issuer and subject; their order is of no meaning to Quay.
func Compare(before, after Entries) []Difference {
	var differences []Difference
	left := slices.Clone(after)
	for _, old := range before {
		i := left.index(old.Issuer, old.Subject)
		if i < 0 {
			differences = append(differences, Difference{Entry: old, Removed: true})
			continue
		}
		fields := maps.Clone(left[i].fields)
		maps.Copy(fields, old.fields)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if was, is := old.fields[name], left[i].fields[name]; Compact(was) != Compact(is) {
				differences = append(differences, Difference{Entry: old, Field: name, Old: was, New: is})
			}
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, entry := range left {
		differences = append(differences, Difference{Entry: entry, Added: true})
	}
	return differences
}

// Compact is the one spelling of a JSON value: without white space, with sorted keys, and
// with numbers as they are written; "" for none.
func Compact(raw json.RawMessage) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return ""
	}
	return string(encoded(value))
}
