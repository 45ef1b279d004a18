// SPDX-License-Identifier: Apache-2.0

package api

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"quay-keyless/internal/sandbox/database"
)

// servePrototypes lists an organization's default permissions, the newest first,
// and adds one.
func (s *API) servePrototypes(c call) error {
	organization := c.PathValue("org")
	if !s.administers(c.token, organization, "org:admin") {
		return s.forbidden()
	}
	o, there := s.db.Organization(organization)
	switch {
	case !there:
		return s.site.Unimplemented(c.Request)
	case c.Method == http.MethodPost:
		return s.createPrototype(c, o)
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	}
	list := []object{}
	for _, p := range slices.Backward(o.Prototypes) {
		list = append(list, s.prototypeView(o.Name, p))
	}
	return ok(object{{"prototypes", list}})
}

func (s *API) createPrototype(c call, o database.Organization) error {
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	delegate, _ := fields["delegate"].(map[string]any)
	creator, _ := fields["activating_user"].(map[string]any)
	made := database.Prototype{ID: uuid(), Team: delegate["kind"] == "team"}
	made.Delegate, _ = delegate["name"].(string)
	made.Creator, _ = creator["name"].(string)
	_, isRobot := s.db.Robot(made.Delegate)
	known := isRobot || s.db.IsPerson(made.Delegate)
	if made.Team {
		known = o.Team(made.Delegate) != nil
	}
	if roleViolation(fields["role"]) != "" || !known {
		return s.site.Unimplemented(c.Request)
	}
	made.Role = database.Role(fields["role"].(string))
	s.db.ChangeOrganization(o.Name, func(o *database.Organization) { o.Prototypes = append(o.Prototypes, made) })
	return ok(s.prototypeView(o.Name, made))
}

// servePrototype changes the role of a default permission, and deletes one.
func (s *API) servePrototype(c call) error {
	organization, id := c.PathValue("org"), c.PathValue("id")
	if !s.administers(c.token, organization, "org:admin") {
		return s.forbidden()
	}
	o, _ := s.db.Organization(organization)
	is := func(p database.Prototype) bool { return p.ID == id }
	i := slices.IndexFunc(o.Prototypes, is)
	switch {
	case i < 0:
		return s.site.Unimplemented(c.Request)
	case c.Method == http.MethodDelete:
		s.db.ChangeOrganization(organization, func(o *database.Organization) { o.Prototypes = slices.DeleteFunc(o.Prototypes, is) })
		return noContent
	case c.Method != http.MethodPut:
		return s.site.Unimplemented(c.Request)
	}
	value, err := c.json()
	if err != nil {
		return err
	}
	fields, _ := value.(map[string]any)
	if roleViolation(fields["role"]) != "" {
		return s.site.Unimplemented(c.Request)
	}
	changed := o.Prototypes[i]
	changed.Role = database.Role(fields["role"].(string))
	s.db.ChangeOrganization(organization, func(o *database.Organization) {
		if i := slices.IndexFunc(o.Prototypes, is); i >= 0 {
			o.Prototypes[i] = changed
		}
	})
	return ok(s.prototypeView(organization, changed))
}

func (s *API) prototypeView(organization string, p database.Prototype) object {
	person := func(name string) object {
		return append(s.someone(organization, name, "is_org_member"), member{"kind", "user"})
	}
	var creator any
	if p.Creator != "" {
		creator = person(p.Creator)
	}
	delegate := object{{"name", p.Delegate}, {"kind", "team"}, {"avatar", avatar(p.Delegate, "team")}}
	if !p.Team {
		delegate = person(p.Delegate)
	}
	return object{{"activating_user", creator}, {"delegate", delegate}, {"role", string(p.Role)}, {"id", p.ID}}
}

func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
