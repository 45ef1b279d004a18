// SPDX-License-Identifier: Apache-2.0

package database

import (
	"slices"
	"strings"
)

// Organization is a namespace that teams share. Its first team is owners.
type Organization struct {
	Name       string
	Teams      []*Team
	Prototypes []Prototype
}

// Team is a group of people and robots. Role is what they may do in the
// organization: member, creator or admin.
type Team struct {
	Name, Description, Role string
	Members                 []string
}

// Prototype is a default permission: the role of a person, robot or team on each new
// repository that Creator makes. An empty Creator means every creator.
type Prototype struct {
	ID       string
	Creator  string
	Delegate string
	Team     bool // the delegate is a team
	Role     Role
}

func newOrganization(name string) *Organization {
	return &Organization{Name: name, Teams: []*Team{{Name: "owners", Role: "admin"}}}
}

// Team returns the team of that name, or nil.
func (o *Organization) Team(name string) *Team {
	i := slices.IndexFunc(o.Teams, func(t *Team) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return o.Teams[i]
}

// Has reports whether a person or robot is in a team with that role; role "" is any.
func (o *Organization) Has(name, role string) bool {
	return slices.ContainsFunc(o.Teams, func(t *Team) bool {
		return (role == "" || t.Role == role) && slices.Contains(t.Members, name)
	})
}

func (o *Organization) copy() Organization {
	c := Organization{Name: o.Name, Prototypes: slices.Clone(o.Prototypes)}
	for _, team := range o.Teams {
		t := *team
		t.Members = slices.Clone(t.Members)
		c.Teams = append(c.Teams, &t)
	}
	return c
}

// AddOrganization adds an organization, or an owner of one.
func (s *Database) AddOrganization(name, owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.namespace(name)
	if o := s.organizations[name]; o != nil && !o.Has(owner, "admin") {
		o.Teams[0].Members = append(o.Teams[0].Members, owner)
	}
}

// Organization returns an organization.
func (s *Database) Organization(name string) (Organization, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.organizations[name]
	if !ok {
		return Organization{}, false
	}
	return o.copy(), true
}

// OrganizationsOf returns the organizations that a person is in, by name.
func (s *Database) OrganizationsOf(person string) []Organization {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Organization
	for _, o := range s.organizations {
		if o.Has(person, "") {
			list = append(list, o.copy())
		}
	}
	slices.SortFunc(list, func(a, b Organization) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// ChangeOrganization changes an organization in place, if there is one.
func (s *Database) ChangeOrganization(name string, change func(*Organization)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.organizations[name]; ok {
		change(o)
	}
}

// TeamsOf returns the teams that a person or robot is in, of all organizations.
func (s *Database) TeamsOf(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []string{}
	for _, o := range s.organizations {
		for _, team := range o.Teams {
			if slices.Contains(team.Members, name) {
				list = append(list, team.Name)
			}
		}
	}
	slices.Sort(list)
	return list
}
