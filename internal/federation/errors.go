// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"fmt"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// RefusedAPI is a request to Quay's API that failed.
type RefusedAPI struct {
	Target request.Target
	Scopes string // that the request needs, as Quay's UI calls them
	All    string // that the whole command needs; "" if the same
	Err    error
}

// Error is the text.
func (r *RefusedAPI) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedAPI) Unwrap() error { return r.Err }

// The scopes of API tokens, as Quay's UI and Quay's API call them.
const (
	ScopeOrganization = "Administer Organization (org:admin)"
	ScopeUser         = "Administer User (user:admin)"
	ScopePermission   = "Administer Repositories (repo:admin)"
	ScopeCreate       = "Create Repositories (repo:create)"
)

// LostAudiences is a save that would make Quay stop checking audiences.
type LostAudiences struct {
	Target  request.Target
	Entries []quay.Entry
}

// Error is the text.
func (l *LostAudiences) Error() string {
	return fmt.Sprintf("nothing was sent: at any save, by API or UI, this Quay would drop the audiences of the federation entries of %s", l.Target.Robot)
}
