// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/ascii"
)

// Role is what a robot may do with a repository, in the words of Quay's API.
type Role string

// roles are Quay's, each including those before it.
var roles = []Role{"read", "write", "admin"}

// Includes reports whether who has this role may do all that the other allows.
func (r Role) Includes(other Role) bool {
	return slices.Index(roles, r) >= slices.Index(roles, other)
}

// Grant is a role on a repository.
type Grant struct {
	Repository string // ORG/REPO, without the registry
	Role       Role
}

// ParseGrant reads [ORG/]REPO=read|write|admin for a robot, which can have
// permissions in its own organization alone.
func ParseGrant(text string, robot Robot) (Grant, error) {
	if err := ascii.Check(text); err != nil {
		return Grant{}, fmt.Errorf("grant %+q: %w", text, err)
	}
	repository, role, found := strings.Cut(text, "=")
	if !found || !slices.Contains(roles, Role(role)) {
		return Grant{}, fmt.Errorf("grant %q: write REPO=read, REPO=write or REPO=admin", text)
	}
	if !strings.Contains(repository, "/") {
		repository = robot.Namespace + "/" + repository
	}
	if _, err := ParsePermission(repository); err != nil {
		return Grant{}, fmt.Errorf("grant %q: %q cannot be a repository's name; write ORG/REPO without the registry", text, repository)
	}
	if owner, _, _ := strings.Cut(repository, "/"); owner != robot.Namespace {
		return Grant{}, fmt.Errorf("grant %q: %s can only have permissions in %s", text, robot, robot.Namespace)
	}
	return Grant{Repository: repository, Role: Role(role)}, nil
}

// Repository returns a repository, ORG/REPO; nil if there is none.
func (a *API) Repository(ctx context.Context, repository string) (*Repository, error) {
	found, err := read[Repository](ctx, a, "/api/v1/repository/"+repository+"?includeTags=false", "a repository")
	var refusal *Refusal
	switch {
	case err == nil:
		return &found, nil
	case errors.As(err, &refusal) && refusal.Status == http.StatusNotFound && !refusal.Page:
		return nil, nil
	}
	return nil, err
}

// CreateRepository makes a private repository, ORG/REPO; one that exists by now
// is as good.
func (a *API) CreateRepository(ctx context.Context, repository string) error {
	owner, name, _ := strings.Cut(repository, "/")
	_, err := a.ask(ctx, http.MethodPost, "/api/v1/repository", map[string]string{
		"namespace": owner, "repository": name, "visibility": "private", "description": "", "repo_kind": "image",
	})
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Message == "Repository already exists" {
		return nil
	}
	return err
}

// permission is the address of a robot's permission.
func permission(robot Robot, repository string) string {
	return "/api/v1/repository/" + repository + "/permissions/user/" + robot.String()
}

// Role returns the robot's own role on a repository, "" for none. The repository
// must exist.
func (a *API) Role(ctx context.Context, robot Robot, repository string) (Role, error) {
	found, err := read[struct{ Role Role }](ctx, a, permission(robot, repository), "a permission")
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, "User does not have permission"):
		return "", nil
	case err == nil && !slices.Contains(roles, found.Role):
		return "", a.unbelievable("answered with the role %q in place of a permission", found.Role)
	}
	return found.Role, err
}

// Grant gives the robot a role on a repository, instead of its present one. Both must
// exist: for an unknown repository Quay answers 500.
func (a *API) Grant(ctx context.Context, robot Robot, grant Grant) error {
	_, err := a.ask(ctx, http.MethodPut, permission(robot, grant.Repository), map[string]Role{"role": grant.Role})
	return err
}

// Revoke takes the robot's role on a repository away; having none is as good.
func (a *API) Revoke(ctx context.Context, robot Robot, repository string) error {
	_, err := a.ask(ctx, http.MethodDelete, permission(robot, repository), nil)
	var refusal *Refusal
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, "User does not have permission") {
		return nil
	}
	return err
}
