// SPDX-License-Identifier: Apache-2.0

package api

import (
	"slices"
	"strings"
)

// Token is an OAuth token for Quay's API.
type Token struct {
	Token string `yaml:"token"`
	// User is the person who made the token. It may use that person's namespace.
	User string `yaml:"user"`
	// Organizations are those that the user owns.
	Organizations []string `yaml:"organizations"`
	// Superuser means that the user is one of Quay's SUPER_USERS.
	Superuser bool `yaml:"superuser"`
	// Scopes are what the token may be used for (default: all of [Scopes]).
	Scopes []string `yaml:"scopes"`
}

// Scopes are those of Quay's that the sandbox's API asks for.
var Scopes = []string{"org:admin", "user:admin", "user:read", "repo:admin", "repo:create", "repo:write", "repo:read", "super:user"}

// includes are the scopes that include another one.
var includes = map[string][]string{
	"user:read": {"user:admin"},
	"repo:read": {"repo:write", "repo:admin", "repo:create"},
}

// may reports whether the token has a scope, or one that includes it.
func (t Token) may(scope string) bool {
	return slices.ContainsFunc(append([]string{scope}, includes[scope]...), func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// everywhere reports whether the token acts for a superuser who may do everything.
func (s *API) everywhere(t Token) bool {
	return s.settings.SuperusersFullAccess && t.Superuser && t.may("super:user")
}

// administers reports whether the token may use that scope for a namespace: an
// organization that its user administers, or the user's own name.
func (s *API) administers(t Token, namespace, scope string) bool {
	o, _ := s.db.Organization(namespace)
	return t.may(scope) && (namespace == t.User && s.db.IsPerson(namespace) || o.Has(t.User, "admin") || s.everywhere(t))
}

// mayCreate is the same for new repositories, which creators may make too.
func (s *API) mayCreate(t Token, namespace string) bool {
	o, _ := s.db.Organization(namespace)
	return t.may("repo:create") && o.Has(t.User, "creator") || s.administers(t, namespace, "repo:create")
}

// reads reports whether the user of the token can see a repository.
func (s *API) reads(t Token, repository string) bool {
	namespace, _, _ := strings.Cut(repository, "/")
	stored, _ := s.db.Repository(repository)
	o, _ := s.db.Organization(namespace)
	return stored.Public || namespace == t.User || o.Has(t.User, "admin") || len(s.db.Roles(t.User, repository)) > 0 || s.everywhere(t)
}
