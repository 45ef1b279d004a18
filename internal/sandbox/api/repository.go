// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/web"
)

var (
	permissionPath = regexp.MustCompile(`^/api/v1/repository/([^/]+)/(.+?)/permissions/user/([^/]*)$`)
	repositoryName = regexp.MustCompile(`^[a-z0-9]+(?:[._/-][a-z0-9]+)*$`)
)

// serveRepositories makes a repository.
func (s *API) serveRepositories(c call) error {
	if c.Method != http.MethodPost {
		return s.site.Unimplemented(c.Request)
	}
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	owner, _ := fields["namespace"].(string)
	name, _ := fields["repository"].(string)
	switch {
	case !c.token.administers(owner, "repo:create"):
		return s.forbidden()
	case !repositoryName.MatchString(name):
		return s.invalidRequest("Invalid repository name")
	case !s.db.CreateRepository(owner + "/" + name):
		return s.invalidRequest("Repository already exists")
	}
	return pythonAnswer(http.StatusCreated, object{{"namespace", owner}, {"name", name}, {"kind", "image"}})
}

// serveRepository shows a repository, or its permissions.
func (s *API) serveRepository(c call) error {
	if parts := permissionPath.FindStringSubmatch(c.URL.Path); parts != nil {
		return s.servePermissions(c, parts[1], parts[1]+"/"+parts[2], parts[3])
	}
	owner, name, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, path+"repository/"), "/")
	switch {
	case c.Method != http.MethodGet || strings.Contains(name, "/"):
		return s.site.Unimplemented(c.Request)
	case !c.token.administers(owner, "repo:read"):
		return s.forbidden()
	case !s.db.RepositoryExists(owner + "/" + name):
		return s.unknown()
	}
	return pythonAnswer(http.StatusOK, object{
		{"namespace", owner}, {"name", name}, {"kind", "image"}, {"description", ""}, {"is_public", false},
		{"is_organization", owner != c.token.User}, {"is_starred", false}, {"status_token", "00000000-0000-4000-8000-000000000000"},
		{"trust_enabled", false}, {"tag_expiration_s", 1209600}, {"is_free_account", true}, {"state", "NORMAL"},
		{"tags", object{}}, {"can_write", true}, {"can_admin", true},
	})
}

// servePermissions is what users and robots may do with a repository.
func (s *API) servePermissions(c call, owner, repository, user string) error {
	if !c.token.administers(owner, "repo:admin") {
		return s.forbidden()
	}
	robot, there := s.db.Robot(user)
	role := robot.Grants[repository]
	switch {
	case user == "" && c.Method == http.MethodGet:
		return s.listPermissions(repository)
	case c.Method == http.MethodPut:
		return s.putPermission(c, owner, repository, user, there)
	case c.Method == http.MethodGet && role != "":
		return pythonAnswer(http.StatusOK, permissionView(user, role))
	case role == "":
		return message("User does not have permission for repo.")
	case c.Method == http.MethodDelete:
		s.db.Grant(user, repository, "")
		return noContent
	}
	return badMethod
}

func (s *API) putPermission(c call, owner, repository, user string, there bool) error {
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	if wrong := roleViolation(fields["role"]); wrong != "" {
		return s.invalidRequest(wrong)
	}
	switch {
	case !s.db.RepositoryExists(repository):
		return web.InternalError
	case !there:
		return s.invalidRequest("Invalid username: " + user)
	case !strings.HasPrefix(user, owner+"+"):
		return s.invalidRequest("Cannot add robot " + user + " under namespace " + owner)
	}
	role := database.Role(fields["role"].(string))
	s.db.Grant(user, repository, role)
	return pythonAnswer(http.StatusOK, permissionView(user, role))
}

func permissionView(user string, role database.Role) object {
	hash := sha256.Sum256([]byte(user))
	avatar := object{{"name", user}, {"hash", hex.EncodeToString(hash[:])}, {"color", "#7f7f7f"}, {"kind", "robot"}}
	return object{{"role", string(role)}, {"name", user}, {"is_robot", strings.Contains(user, "+")}, {"avatar", avatar}, {"is_org_member", true}}
}

// listPermissions shows the robots alone: of people the sandbox has no
// permissions.
func (s *API) listPermissions(repository string) error {
	list := object{}
	for _, robot := range s.db.RobotsOf("") {
		if role := robot.Grants[repository]; role != "" {
			list = append(list, member{robot.Name, permissionView(robot.Name, role)})
		}
	}
	return pythonAnswer(http.StatusOK, object{{"permissions", list}})
}
