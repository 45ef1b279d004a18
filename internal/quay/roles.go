// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
)

// RolesOn returns the roles that robots and people themselves have on a repository,
// ORG/REPO, by full name. The API token needs repo:admin.
func (a *API) RolesOn(ctx context.Context, repository string) (map[string]Role, error) {
	found, err := read[struct {
		Permissions map[string]struct{ Role Role }
	}](ctx, a, "/api/v1/repository/"+repository+"/permissions/user/", "a list of permissions")
	roles := map[string]Role{}
	for name, permission := range found.Permissions {
		roles[name] = permission.Role
	}
	return roles, err
}

// WithField is the same entry with another value for a field, in JSON; nil removes it.
func (e Entry) WithField(name string, value json.RawMessage) Entry {
	changed := e.with(name, value)
	if value == nil {
		delete(changed.fields, name)
		changed = entryOf(changed.fields)
	}
	return changed
}
