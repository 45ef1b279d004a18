// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
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

// CreateRepository makes a private repository, ORG/REPO; one that exists by now
// is as good.
func (a *API) CreateRepository(ctx context.Context, repository string) error {
	owner, name, _ := strings.Cut(repository, "/")
	_, err := a.ask(ctx, http.MethodPost, "/api/v1/repository", map[string]string{
		"namespace": owner, "repository": name, "visibility": "private", "description": "", "repo_kind": "image",
	})
	return unless(err, "Repository already exists")
}

// permission is the address of a robot's permission.
func permission(robot Robot, repository string) string {
	return "/api/v1/repository/" + repository + "/permissions/user/" + robot.String()
}

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

// Grant gives the robot a role on a repository, instead of its present one. Both must
// exist: for an unknown repository Quay answers 500.
func (a *API) Grant(ctx context.Context, robot Robot, grant Grant) error {
	_, err := a.ask(ctx, http.MethodPut, permission(robot, grant.Repository), map[string]Role{"role": grant.Role})
	return err
}

// Revoke takes the robot's role on a repository away; having none is as good.
func (a *API) Revoke(ctx context.Context, robot Robot, repository string) error {
	_, err := a.ask(ctx, http.MethodDelete, permission(robot, repository), nil)
	return unless(err, "User does not have permission")
}
