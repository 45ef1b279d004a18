// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Entry is one federation entry of a robot. It keeps every field that Quay stores,
// because a save replaces the whole list.
type Entry struct {
	ID        string // given by a Quay whose API takes audiences, else ""
	Issuer    string
	Subject   string
	Audiences []string // nil if none are stored, or not a list of strings
	APIScopes string   // what a token for the API may do, for a later Quay

	fields map[string]json.RawMessage // all of it
}

// NewEntry is an entry that Quay does not have yet. Without audiences Quay chooses: none
// up to 3.18, which means any; later "quay".
func NewEntry(issuer, subject string, audiences ...string) Entry {
	return Entry{}.WithField("issuer", issuer).WithField("subject", subject).WithAudiences(audiences)
}

// WithAudiences is the same entry with other audiences; none leaves it as it is.
func (e Entry) WithAudiences(audiences []string) Entry {
	if len(audiences) == 0 {
		return e
	}
	return e.WithField("audiences", audiences)
}

// WithField is the same entry with another value for a field; nil removes it.
func (e Entry) WithField(name string, value any) Entry {
	fields := map[string]json.RawMessage{}
	maps.Copy(fields, e.fields)
	if fields[name] = encoded(value); value == nil {
		delete(fields, name)
	}
	return entryOf(fields)
}

// encoded is JSON without escapes for HTML. Texts and lists of texts always
// encode.
func encoded(value any) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// entryOf reads the fields that this program uses. One of another type counts as absent,
// but is kept.
func entryOf(fields map[string]json.RawMessage) Entry {
	text := func(name string) string {
		var s string
		if json.Unmarshal(fields[name], &s) != nil {
			return ""
		}
		return s
	}
	entry := Entry{ID: text("id"), Issuer: text("issuer"), Subject: text("subject"), APIScopes: text("api_scopes"), fields: fields}
	if raw, there := fields["audiences"]; there && json.Unmarshal(raw, &entry.Audiences) != nil {
		entry.Audiences = nil
	}
	return entry
}

// Same reports whether it is the entry for that issuer and subject, by which
// Quay tells entries apart: byte for byte.
func (e Entry) Same(issuer, subject string) bool {
	return e.Issuer == issuer && e.Subject == subject
}

// Restricted reports whether audiences are stored, sound or not. With an empty list Quay
// does not check them.
func (e Entry) Restricted() bool {
	raw := bytes.Join(bytes.Fields(e.fields["audiences"]), nil)
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "[]"
}

// LosesAudiences reports whether a save would drop the entry's audiences, so that Quay
// stops checking them. A Quay that keeps them gives each entry an id.
func (e Entry) LosesAudiences() bool { return e.ID == "" && e.Restricted() }

// Fields are all fields of the entry as Quay stores them.
func (e Entry) Fields() map[string]json.RawMessage { return e.fields }

// String names the entry by its issuer and subject.
func (e Entry) String() string {
	return fmt.Sprintf("issuer %s, subject %s", e.Issuer, e.Subject)
}

// MarshalJSON returns all fields.
func (e Entry) MarshalJSON() ([]byte, error) { return encoded(e.fields), nil }

// UnmarshalJSON reads an object, with fields that this program does not know.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return errors.New("no object")
	}
	*e = entryOf(fields)
	return nil
}

// Entries are a robot's federation entries, in Quay's order.
type Entries []Entry

// Find returns the entry for an issuer and a subject.
func (e Entries) Find(issuer, subject string) (Entry, bool) {
	i := e.index(issuer, subject)
	if i < 0 {
		return Entry{}, false
	}
	return e[i], true
}

func (e Entries) index(issuer, subject string) int {
	return slices.IndexFunc(e, func(entry Entry) bool { return entry.Same(issuer, subject) })
}

// With is the list with one entry more, or with it in the place of the first one that
// has its issuer and subject.
func (e Entries) With(entry Entry) Entries {
	list := slices.Clone(e)
	i := list.index(entry.Issuer, entry.Subject)
	if i < 0 {
		return append(list, entry)
	}
	list[i] = entry
	return list
}

// Without is the list without the entry for an issuer and a subject.
func (e Entries) Without(issuer, subject string) Entries {
	return slices.DeleteFunc(slices.Clone(e), func(entry Entry) bool { return entry.Same(issuer, subject) })
}

// Distinct is the list without entries whose issuer and subject an earlier one has.
func (e Entries) Distinct() Entries {
	list := Entries{}
	for _, entry := range e {
		if _, there := list.Find(entry.Issuer, entry.Subject); !there {
			list = append(list, entry)
		}
	}
	return list
}

// Count is how many entries have that issuer and subject: one, unless somebody changed
// Quay's database.
func (e Entries) Count(issuer, subject string) int { return len(e) - len(e.Without(issuer, subject)) }
