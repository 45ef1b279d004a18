// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"slices"

	"quay-keyless/internal/sandbox/database"
)

// serveOrganizations makes an organization, which needs user:admin.
func (s *API) serveOrganizations(c call) error {
	if c.Method != http.MethodPost {
		return s.site.Unimplemented(c.Request)
	}
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	name, _ := fields["name"].(string)
	_, there := s.db.Organization(name)
	switch {
	case !c.token.may("user:admin"):
		return s.forbidden()
	case there || wrongName(name) != "" || s.db.IsPerson(name):
		return s.site.Unimplemented(c.Request)
	}
	s.db.AddOrganization(name, c.token.User)
	return pythonAnswer(http.StatusCreated, "Created")
}

// serveOrganization shows, even without credentials, that an organization exists.
// Its administrators also see its teams.
func (s *API) serveOrganization(c call) error {
	o, there := s.db.Organization(c.PathValue("org"))
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case !there:
		return s.unknown()
	case s.administers(c.token, o.Name, "org:admin"):
		return ok(s.organizationView(o))
	case c.token.may("org:admin") && o.Has(c.token.User, ""): // not measured
		return s.site.Unimplemented(c.Request)
	}
	return ok(object{{"name", o.Name}, {"email", ""}, {"avatar", avatar(o.Name, "org")}, {"is_admin", false}, {"is_member", false}})
}

func (s *API) organizationView(o database.Organization) object {
	teams, names := object{}, []string{}
	for _, team := range o.Teams {
		names = append(names, team.Name)
		teams = append(teams, member{team.Name, object{
			{"name", team.Name}, {"description", team.Description}, {"role", team.Role}, {"avatar", avatar(team.Name, "team")},
			{"can_view", true}, {"repo_count", len(s.teamRepositories(o.Name, team.Name))}, {"member_count", len(team.Members)}, {"is_synced", false},
		}})
	}
	return object{
		{"name", o.Name}, {"email", email(o.Name)}, {"avatar", avatar(o.Name, "org")}, {"is_admin", true}, {"is_member", true},
		{"teams", teams}, {"ordered_teams", names}, {"invoice_email", false}, {"invoice_email_address", nil},
		{"tag_expiration_s", 1209600}, {"is_free_account", true},
	}
}

// serveMembers lists the people who are in teams, with the repositories on which
// they themselves have a role.
func (s *API) serveMembers(c call) error {
	o, _ := s.db.Organization(c.PathValue("org"))
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case !s.administers(c.token, o.Name, "org:admin"):
		return s.forbidden()
	}
	list := []object{}
	var seen []string
	for _, team := range o.Teams {
		for _, name := range team.Members {
			if s.db.IsPerson(name) && !slices.Contains(seen, name) {
				seen = append(seen, name)
				list = append(list, s.memberView(o, name))
			}
		}
	}
	return ok(object{{"members", list}})
}

func (s *API) memberView(o database.Organization, name string) object {
	teams, repositories := []object{}, []string{}
	for _, team := range o.Teams {
		if slices.Contains(team.Members, name) {
			teams = append(teams, object{{"name", team.Name}, {"avatar", avatar(team.Name, "team")}})
		}
	}
	for _, repository := range s.db.RepositoriesOf(o.Name) {
		if repository.People[name] != "" {
			repositories = append(repositories, repository.Short())
		}
	}
	return object{{"name", name}, {"kind", "user"}, {"avatar", avatar(name, "user")}, {"teams", teams}, {"repositories", repositories}}
}
