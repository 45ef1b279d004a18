// SPDX-License-Identifier: Apache-2.0

package database

import (
	"maps"
	"slices"
	"strings"
)

// The states of a repository.
const (
	Normal   = "NORMAL"
	ReadOnly = "READ_ONLY"
	Mirror   = "MIRROR"
)

// Repository is one repository (org/name), with the roles that people and teams of
// its organization have. Those of robots are their [Robot.Grants].
type Repository struct {
	Name, Description, State string
	Public                   bool
	People, Teams            map[string]Role

	order int
}

// Short is the name without the namespace.
func (r Repository) Short() string {
	_, short, _ := strings.Cut(r.Name, "/")
	return short
}

// Namespace is the organization or person.
func (r Repository) Namespace() string {
	namespace, _, _ := strings.Cut(r.Name, "/")
	return namespace
}

func (r *Repository) copy() Repository {
	c := *r
	c.People, c.Teams = maps.Clone(r.People), maps.Clone(r.Teams)
	return c
}

// repository returns a repository, and makes it and its namespace if needed.
func (s *Database) repository(name string) *Repository {
	if s.repositories[name] == nil {
		s.made++
		s.repositories[name] = &Repository{Name: name, State: Normal, People: map[string]Role{}, Teams: map[string]Role{}, order: s.made}
		s.namespace(s.repositories[name].Namespace())
	}
	return s.repositories[name]
}

// AddRepository adds a repository (org/name) in a state.
func (s *Database) AddRepository(name, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repository(name).State = state
}

// CreateRepository adds a repository, makes its creator the administrator, and
// grants the default permissions. It reports false if the name is taken.
func (s *Database) CreateRepository(repository Repository, creator string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repositories[repository.Name] != nil {
		return false
	}
	made := s.repository(repository.Name)
	made.Description, made.Public = repository.Description, repository.Public
	s.grant(creator, made, Admin)
	if o := s.organizations[made.Namespace()]; o != nil {
		for _, p := range o.Prototypes {
			switch {
			case p.Creator != "" && p.Creator != creator:
			case p.Team:
				made.Teams[p.Delegate] = p.Role
			default:
				s.grant(p.Delegate, made, p.Role)
			}
		}
	}
	return true
}

// Repository returns a repository.
func (s *Database) Repository(name string) (Repository, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repository, ok := s.repositories[name]
	if !ok {
		return Repository{}, false
	}
	return repository.copy(), true
}

// RepositoryExists reports whether there is a repository (org/name), configured
// or created by a push.
func (s *Database) RepositoryExists(name string) bool {
	_, ok := s.Repository(name)
	return ok
}

// RepositoriesOf returns those of a namespace in the order in which they were made.
func (s *Database) RepositoriesOf(namespace string) []Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Repository
	for _, repository := range s.repositories {
		if repository.Namespace() == namespace {
			list = append(list, repository.copy())
		}
	}
	slices.SortFunc(list, func(a, b Repository) int { return a.order - b.order })
	return list
}

// Grant sets the role of a person or robot on a repository; "" removes it.
func (s *Database) Grant(name, repository string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repositories[repository]; r != nil {
		s.grant(name, r, role)
	}
}

func (s *Database) grant(name string, repository *Repository, role Role) {
	roles, key := repository.People, name
	if robot := s.robots[name]; robot != nil {
		roles, key = robot.Grants, repository.Name
	}
	roles[key] = role
	if role == "" {
		delete(roles, key)
	}
}

// GrantTeam sets the role of a team on a repository; "" removes it.
func (s *Database) GrantTeam(team, repository string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repositories[repository]; r != nil {
		r.Teams[team] = role
		if role == "" {
			delete(r.Teams, team)
		}
	}
}

// Roles returns the roles of a person or robot on a repository: their own, and
// those of their teams.
func (s *Database) Roles(name, repository string) []Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repositories[repository]
	if r == nil {
		return nil
	}
	var roles []Role
	if robot := s.robots[name]; robot != nil && robot.Grants[repository] != "" {
		roles = append(roles, robot.Grants[repository])
	}
	if role := r.People[name]; role != "" {
		roles = append(roles, role)
	}
	if o := s.organizations[r.Namespace()]; o != nil {
		for _, team := range o.Teams {
			if role := r.Teams[team.Name]; role != "" && slices.Contains(team.Members, name) {
				roles = append(roles, role)
			}
		}
	}
	return roles
}

// Actions returns those of the wanted actions that the robot may do, in Quay's
// order. Asking for push on a missing repository creates it, if the robot may.
func (s *Database) Actions(robot, repository string, wanted []string, mayCreate bool) []string {
	namespace, _, _ := strings.Cut(repository, "/")
	if account, ok := s.Robot(robot); ok && mayCreate && account.mayCreate(s, namespace) && slices.Contains(wanted, "push") {
		s.CreateRepository(Repository{Name: repository}, robot)
	}
	stored, _ := s.Repository(repository)
	roles := s.Roles(robot, repository)
	granted := []string{}
	for _, action := range []string{"push", "pull", "*"} {
		allowed := slices.ContainsFunc(roles, func(r Role) bool { return r.allows(action) })
		if slices.Contains(wanted, action) && allowed && (action == "pull" || stored.State == Normal) {
			granted = append(granted, action)
		}
	}
	return granted
}

// mayCreate reports whether a robot may make repositories in a namespace: its own
// organization's, with the role creator or admin.
func (r Robot) mayCreate(s *Database, namespace string) bool {
	owner, _, _ := strings.Cut(r.Name, "+")
	o, _ := s.Organization(namespace)
	return owner == namespace && r.Creator || o.Has(r.Name, "creator") || o.Has(r.Name, "admin")
}
