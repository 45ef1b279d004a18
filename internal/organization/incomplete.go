// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"fmt"
	"strings"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// AuditScopes are what an API token needs for an audit.
const AuditScopes = federation.ScopeOrganization + " and " + federation.ScopePermission

// Incomplete is the error of a survey with missing parts.
type Incomplete struct {
	Missing []Missing
	target  request.Target
}

// Incomplete returns the error if parts are missing.
func (s *Survey) Incomplete(t request.Target) error {
	if len(s.Missing) == 0 {
		return nil
	}
	return &Incomplete{s.Missing, t}
}

// Error names the parts.
func (i *Incomplete) Error() string {
	var parts []string
	for _, missing := range i.Missing {
		parts = append(parts, missing.Part)
	}
	return fmt.Sprintf("the API token does not show the %s of %s", strings.Join(parts, ", "), i.target.Robot.Namespace)
}

// Message says which scopes show them.
func (i *Incomplete) Message() platform.Message {
	m := platform.Message{Text: i.Error()}
	for _, missing := range i.Missing {
		m.Hints = append(m.Hints, fmt.Sprintf("To see the %s, generate a token with the scope %s, as a user who administers %s.", missing.Part, missing.Scope, i.target.Robot.Namespace))
	}
	return m
}

// Unwrap is Quay's refusal.
func (i *Incomplete) Unwrap() error { return i.Missing[0].Err }
