// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/web"
)

var (
	// repositoryPath is NAMESPACE/NAME with what the request is about: permissions
	// of a user or team, or the log.
	repositoryPath = regexp.MustCompile(`^([^/]+)/(.+?)(?:/permissions/(user|team)/([^/]*)(/transitive)?|/(logs))?$`)
	repositoryName = regexp.MustCompile(`^[a-z0-9]+(?:[._/-][a-z0-9]+)*$`)
)

// serveRepositories makes a repository, or lists those of a namespace.
func (s *API) serveRepositories(c call) error {
	switch c.Method {
	case http.MethodGet:
		return s.listRepositories(c)
	case http.MethodPost:
		return s.createRepository(c)
	}
	return s.site.Unimplemented(c.Request)
}

func (s *API) createRepository(c call) error {
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	if _, there := fields["description"]; !there {
		return s.invalidRequest("'description' is a required property\n\nFailed validating 'required' in schema:\n    " + repositorySchema)
	}
	owner, _ := fields["namespace"].(string)
	name, _ := fields["repository"].(string)
	description, _ := fields["description"].(string)
	_, isOrganization := s.db.Organization(owner)
	switch {
	case !s.mayCreate(c.token, owner):
		return s.forbidden()
	case !isOrganization && !s.db.IsPerson(owner):
		return web.InternalError
	case !repositoryName.MatchString(name):
		return s.invalidRequest("Invalid repository name")
	case !s.db.CreateRepository(database.Repository{Name: owner + "/" + name, Description: description, Public: fields["visibility"] == "public"}, c.token.User):
		return s.invalidRequest("Repository already exists")
	}
	return pythonAnswer(http.StatusCreated, object{{"namespace", owner}, {"name", name}, {"kind", "image"}})
}

// repositoriesPerPage is Quay's number.
const repositoriesPerPage = 100

// listRepositories lists what the user of the token can see, whatever its scopes.
func (s *API) listRepositories(c call) error {
	query := c.URL.Query()
	namespace := query.Get("namespace")
	switch {
	case query.Has("starred") || query.Has("public"):
		return s.site.Unimplemented(c.Request)
	case namespace == "":
		return s.invalidRequest("namespace, starred or public are required for this API call")
	}
	list := []object{}
	for _, r := range s.db.RepositoriesOf(namespace) {
		if !s.reads(c.token, r.Name) {
			continue
		}
		view := object{{"namespace", namespace}, {"name", r.Short()}, {"description", r.Description}, {"is_public", r.Public}, {"kind", "image"}, {"state", r.State}}
		if asked(c, "last_modified", false) {
			view = append(view, member{"last_modified", nil})
		}
		if asked(c, "popularity", false) {
			view = append(view, member{"popularity", json.RawMessage("0.0")})
		}
		list = append(list, append(view, member{"is_starred", false}))
	}
	return ok(paged("repositories", list, repositoriesPerPage, c))
}

// serveRepository shows a repository, its permissions or its log.
func (s *API) serveRepository(c call) error {
	parts := repositoryPath.FindStringSubmatch(strings.TrimPrefix(c.URL.Path, path+"repository/"))
	if parts == nil {
		return s.site.Unimplemented(c.Request)
	}
	namespace, name := parts[1], parts[1]+"/"+parts[2]
	switch {
	case parts[3] == "user" && parts[5] != "":
		return s.serveTransitive(c, name, parts[4])
	case parts[3] == "user":
		return s.servePermissions(c, name, parts[4])
	case parts[3] == "team":
		return s.serveTeamRoles(c, name, parts[4])
	case parts[6] != "":
		return s.serveRepositoryLogs(c, name)
	}
	stored, there := s.db.Repository(name)
	switch {
	case c.Method != http.MethodGet || !there && strings.Contains(parts[2], "/"):
		return s.site.Unimplemented(c.Request)
	case !c.token.may("repo:read") || !s.reads(c.token, name):
		return s.forbidden()
	case !there:
		return s.unknown()
	}
	return ok(s.repositoryView(c, namespace, stored))
}

// repositoryView shows what this token may do: a repository that is
// read-only or a mirror cannot be written.
func (s *API) repositoryView(c call, namespace string, r database.Repository) object {
	admin := s.administersRepository(c.token, r.Name)
	view := object{
		{"namespace", namespace}, {"name", r.Short()}, {"kind", "image"}, {"description", r.Description}, {"is_public", r.Public},
		{"is_organization", !s.db.IsPerson(namespace)}, {"is_starred", false}, {"status_token", "00000000-0000-4000-8000-000000000000"},
		{"trust_enabled", false}, {"tag_expiration_s", 1209600}, {"is_free_account", true}, {"state", r.State},
	}
	if asked(c, "includeTags", true) {
		view = append(view, member{"tags", object{}})
	}
	return append(view, member{"can_write", admin && r.State == database.Normal}, member{"can_admin", admin})
}
