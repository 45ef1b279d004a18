// SPDX-License-Identifier: Apache-2.0

package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/web"
)

const noRole = "User does not have permission for repo."

// administersRepository reports whether the token may change who uses a repository.
func (s *API) administersRepository(t Token, repository string) bool {
	namespace, _, _ := strings.Cut(repository, "/")
	return s.administers(t, namespace, "repo:admin") || t.may("repo:admin") && slices.Contains(s.db.Roles(t.User, repository), database.Admin)
}

// servePermissions is what people and robots themselves may do with a repository.
func (s *API) servePermissions(c call, repository, user string) error {
	if !s.administersRepository(c.token, repository) {
		return s.forbidden()
	}
	stored, _ := s.db.Repository(repository)
	robot, isRobot := s.db.Robot(user)
	role := stored.People[user]
	if isRobot {
		role = robot.Grants[repository]
	}
	switch {
	case user == "" && c.Method == http.MethodGet:
		return s.listPermissions(stored)
	case c.Method == http.MethodPut:
		return s.putPermission(c, repository, user)
	case c.Method == http.MethodGet && role != "":
		return ok(s.permissionView(stored.Namespace(), user, role))
	case c.Method == http.MethodGet:
		return refused(noRole)
	case c.Method == http.MethodDelete && role == "":
		return s.invalidRequest(noRole)
	case c.Method == http.MethodDelete:
		s.db.Grant(user, repository, "")
		return noContent
	}
	return badMethod
}

func (s *API) putPermission(c call, repository, user string) error {
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	if wrong := roleViolation(fields["role"]); wrong != "" {
		return s.invalidRequest(wrong)
	}
	namespace, short, _ := strings.Cut(repository, "/")
	_, isRobot := s.db.Robot(user)
	switch {
	case !isRobot && !s.db.IsPerson(user):
		return s.invalidRequest("Invalid username: " + user)
	case isRobot && !strings.HasPrefix(user, namespace+"+"):
		return s.invalidRequest("Cannot add robot " + user + " under namespace " + namespace)
	case !s.db.RepositoryExists(repository):
		return web.InternalError
	}
	role := database.Role(fields["role"].(string))
	s.db.Grant(user, repository, role)
	s.note(c, "change_repo_permission", namespace, repository, database.Field{Name: "username", Value: user},
		database.Field{Name: "repo", Value: short}, database.Field{Name: "namespace", Value: namespace}, database.Field{Name: "role", Value: string(role)})
	return ok(s.permissionView(namespace, user, role))
}

func (s *API) permissionView(namespace, user string, role database.Role) object {
	return append(object{{"role", string(role)}}, s.someone(namespace, user, "is_org_member")...)
}

// someone is a person or robot. A member of the namespace is one of its robots, or
// in one of its teams.
func (s *API) someone(namespace, name, membership string) object {
	o, _ := s.db.Organization(namespace)
	_, isRobot := s.db.Robot(name)
	kind := map[bool]string{true: "robot", false: "user"}[isRobot]
	return object{
		{"name", name}, {"is_robot", isRobot}, {"avatar", avatar(name, kind)},
		{membership, o.Has(name, "") || strings.HasPrefix(name, namespace+"+")},
	}
}

func (s *API) listPermissions(repository database.Repository) web.Answer {
	roles := maps.Clone(repository.People)
	if roles == nil {
		roles = map[string]database.Role{}
	}
	for _, robot := range s.db.RobotsOf(repository.Namespace()) {
		if role := robot.Grants[repository.Name]; role != "" {
			roles[robot.Name] = role
		}
	}
	list := object{}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		list = append(list, member{name, s.permissionView(repository.Namespace(), name, roles[name])})
	}
	return ok(object{{"permissions", list}})
}

// serveTransitive lists all roles of a person or robot, through teams too, without
// saying which role comes from which team.
func (s *API) serveTransitive(c call, repository, user string) error {
	switch {
	case c.Method != http.MethodGet:
		return badMethod
	case !s.administersRepository(c.token, repository):
		return s.forbidden()
	}
	list := []object{}
	for _, role := range s.db.Roles(user, repository) {
		list = append(list, object{{"role", string(role)}})
	}
	return ok(object{{"permissions", list}})
}

// serveTeamRoles is what teams may do with a repository.
func (s *API) serveTeamRoles(c call, repository, team string) error {
	if !s.administersRepository(c.token, repository) {
		return s.forbidden()
	}
	stored, there := s.db.Repository(repository)
	view := func(name string, role database.Role) object {
		return object{{"role", string(role)}, {"name", name}, {"avatar", avatar(name, "team")}}
	}
	switch {
	case !there:
		return s.site.Unimplemented(c.Request)
	case team == "" && c.Method == http.MethodGet:
		list := object{}
		for _, name := range slices.Sorted(maps.Keys(stored.Teams)) {
			list = append(list, member{name, view(name, stored.Teams[name])})
		}
		return ok(object{{"permissions", list}})
	case c.Method == http.MethodDelete && stored.Teams[team] != "":
		s.db.GrantTeam(team, repository, "")
		return noContent
	case c.Method != http.MethodPut:
		return s.site.Unimplemented(c.Request)
	}
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	o, _ := s.db.Organization(stored.Namespace())
	switch {
	case roleViolation(fields["role"]) != "":
		return s.site.Unimplemented(c.Request)
	case o.Team(team) == nil:
		return s.invalidRequest("No team " + team + " in organization " + stored.Namespace())
	}
	role := database.Role(fields["role"].(string))
	s.db.GrantTeam(team, repository, role)
	return ok(view(team, role))
}
