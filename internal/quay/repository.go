// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
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

// RepositoryExists reports whether there is a repository, ORG/REPO.
func (a *API) RepositoryExists(ctx context.Context, repository string) (bool, error) {
	_, err := a.ask(ctx, http.MethodGet, "/api/v1/repository/"+repository, nil)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound && !refusal.Page {
		return false, nil
	}
	return err == nil, err
}

// CreateRepository makes a private repository, ORG/REPO; one that exists by now
// is as good.
func (a *API) CreateRepository(ctx context.Context, repository string) error {
	owner, name, _ := strings.Cut(repository, "/")
	_, err := a.ask(ctx, http.MethodPost, "/api/v1/repository", encoded(map[string]string{
		"namespace": owner, "repository": name, "visibility": "private", "description": "", "repo_kind": "image",
	}))
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
	answer, err := a.ask(ctx, http.MethodGet, permission(robot, repository), nil)
	var refusal *Refusal
	if errors.As(err, &refusal) && strings.HasPrefix(refusal.Message, "User does not have permission") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var body struct {
		Role Role `json:"role"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || !slices.Contains(roles, body.Role) {
		return "", a.unbelievable("answered with %s in place of a permission", kind(answer))
	}
	return body.Role, nil
}

// Grant gives the robot a role on a repository, instead of its present one. Both must
// exist: for an unknown repository Quay answers 500.
func (a *API) Grant(ctx context.Context, robot Robot, grant Grant) error {
	_, err := a.ask(ctx, http.MethodPut, permission(robot, grant.Repository), encoded(map[string]Role{"role": grant.Role}))
	return err
}
