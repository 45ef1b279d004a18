// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"slices"

	"quay-keyless/internal/sandbox/database"
)

// serveTeam makes, changes and deletes a team.
func (s *API) serveTeam(c call) error {
	organization, name := c.PathValue("org"), c.PathValue("team")
	if !s.administers(c.token, organization, "org:admin") {
		return s.forbidden()
	}
	o, _ := s.db.Organization(organization)
	switch {
	case c.Method == http.MethodPut:
		return s.putTeam(c, o, name)
	case c.Method != http.MethodDelete || o.Team(name) == nil:
		return s.site.Unimplemented(c.Request)
	}
	s.db.ChangeOrganization(organization, func(o *database.Organization) {
		o.Teams = slices.DeleteFunc(o.Teams, func(t *database.Team) bool { return t.Name == name })
	})
	return noContent
}

func (s *API) putTeam(c call, o database.Organization, name string) error {
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	description, _ := fields["description"].(string)
	role, isText := fields["role"].(string)
	if !isText || !slices.Contains([]string{"member", "creator", "admin"}, role) {
		return s.invalidRequest(violation(pythonRepr(fields["role"])+" is not one of ['member', 'creator', 'admin']", "enum",
			"['properties']['role']", teamRoleSchema, "['role']", fields["role"]))
	}
	if wrong := wrongName(name); wrong != "" {
		return refused("Invalid team name " + name + ": " + wrong)
	}
	isNew := o.Team(name) == nil
	s.db.ChangeOrganization(o.Name, func(o *database.Organization) {
		if o.Team(name) == nil {
			o.Teams = append(o.Teams, &database.Team{Name: name})
		}
		o.Team(name).Role, o.Team(name).Description = role, description
	})
	return ok(object{
		{"name", name}, {"description", description}, {"can_view", true}, {"role", role}, {"avatar", avatar(name, "team")}, {"new_team", isNew},
	})
}

// serveTeamMembers lists the members for those who administer the organization
// and those who are in the team.
func (s *API) serveTeamMembers(c call) error {
	o, _ := s.db.Organization(c.PathValue("org"))
	team := o.Team(c.PathValue("team"))
	admin := s.administers(c.token, o.Name, "org:admin")
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case team == nil && admin:
		return s.unknown()
	case team == nil, !admin && !(c.token.may("org:admin") && slices.Contains(team.Members, c.token.User)):
		return s.forbidden()
	}
	list := []object{}
	for _, name := range team.Members {
		list = append(list, s.teamMember(name))
	}
	return ok(object{{"name", team.Name}, {"members", list}, {"can_edit", admin}})
}

func (s *API) teamMember(name string) object {
	_, isRobot := s.db.Robot(name)
	kind := map[bool]string{true: "robot", false: "user"}[isRobot]
	return object{{"name", name}, {"kind", "user"}, {"is_robot", isRobot}, {"avatar", avatar(name, kind)}, {"invited", false}}
}

// serveTeamMember adds a person or a robot, of any namespace, and removes one.
func (s *API) serveTeamMember(c call) error {
	organization, team, name := c.PathValue("org"), c.PathValue("team"), c.PathValue("member")
	o, _ := s.db.Organization(organization)
	_, isRobot := s.db.Robot(name)
	switch {
	case !s.administers(c.token, organization, "org:admin"):
		return s.forbidden()
	case o.Team(team) == nil || c.Method != http.MethodPut && c.Method != http.MethodDelete:
		return s.site.Unimplemented(c.Request)
	case !isRobot && !s.db.IsPerson(name):
		return s.invalidRequest("Unknown user")
	case c.Method == http.MethodDelete && !slices.Contains(o.Team(team).Members, name):
		return refused("User " + name + " does not belong to team " + team)
	}
	s.db.ChangeOrganization(organization, func(o *database.Organization) {
		team := o.Team(team)
		if team == nil { // deleted meanwhile
			return
		}
		team.Members = slices.DeleteFunc(team.Members, func(member string) bool { return member == name })
		if c.Method == http.MethodPut {
			team.Members = append(team.Members, name)
		}
	})
	if c.Method == http.MethodDelete {
		return noContent
	}
	return ok(s.teamMember(name))
}

// serveTeamPermissions lists the repositories that a team may use.
func (s *API) serveTeamPermissions(c call) error {
	o, _ := s.db.Organization(c.PathValue("org"))
	switch {
	case !s.administers(c.token, o.Name, "org:admin"):
		return s.forbidden()
	case c.Method != http.MethodGet || o.Team(c.PathValue("team")) == nil:
		return s.site.Unimplemented(c.Request)
	}
	return ok(object{{"permissions", s.teamRepositories(o.Name, c.PathValue("team"))}})
}

func (s *API) teamRepositories(organization, team string) []object {
	list := []object{}
	for _, repository := range s.db.RepositoriesOf(organization) {
		if role := repository.Teams[team]; role != "" {
			list = append(list, s.permissionOn(repository, role))
		}
	}
	return list
}
