// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/rand"
	"reflect"
	"slices"

	"quay-keyless/internal/sandbox/database"
)

// What the API of the release "next" does with federation entries, as read in
// Quay's source of August and September 2026 and not measured: it accepts audiences
// and id, and adds an id and a version to each entry.

// parseBinding reads the fields that the API of later releases accepts.
func (s *API) parseBinding(entry *database.Entry, fields map[string]any) error {
	entry.Audiences = []string{"quay"}
	if given, there := fields["audiences"]; there {
		list, ok := given.([]any)
		entry.Audiences = nil
		for _, audience := range list {
			text, isString := audience.(string)
			ok = ok && isString && text != ""
			entry.Audiences = append(entry.Audiences, text)
		}
		if !ok || len(list) == 0 {
			return s.invalidRequest("Audiences must be a non-empty list of strings")
		}
	}
	entry.Fields = map[string]any{}
	for _, name := range []string{"id", "api_scopes"} {
		if value, there := fields[name]; there {
			entry.Fields[name] = value
		}
	}
	return nil
}

// bound sets the id and version of entries: those of the stored entry with the
// same id, or new ones.
func bound(stored, entries []database.Entry) []database.Entry {
	for i := range entries {
		entry := &entries[i]
		version := 1
		known := slices.IndexFunc(stored, func(e database.Entry) bool { return e.Fields["id"] != nil && e.Fields["id"] == entry.Fields["id"] })
		switch {
		case known >= 0:
			old, _ := stored[known].Fields["version"].(int)
			version = old
			if !sameBinding(stored[known], *entry) {
				version++
			}
		case entry.Fields["id"] == nil:
			entry.Fields["id"] = rand.Text()
		}
		entry.Fields["version"] = version
	}
	return entries
}

func sameBinding(a, b database.Entry) bool {
	return a.Issuer == b.Issuer && a.Subject == b.Subject && slices.Equal(a.Audiences, b.Audiences) &&
		reflect.DeepEqual(a.Fields["api_scopes"], b.Fields["api_scopes"])
}
