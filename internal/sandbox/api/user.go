// SPDX-License-Identifier: Apache-2.0

package api

import "net/http"

// serveUser says who the token's user is; a small scope counts as no credentials.
func (s *API) serveUser(c call) error {
	name := c.token.User
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case !c.token.may("user:read"):
		return s.unauthenticated(member{"session_required", false})
	}
	details := c.token.may("user:admin")
	organizations := []object{}
	for _, o := range s.db.OrganizationsOf(name) {
		view := object{
			{"name", o.Name}, {"avatar", avatar(o.Name, "org")},
			{"can_create_repo", s.mayCreate(c.token, o.Name)}, {"public", false},
		}
		if details {
			view = append(view, member{"is_org_admin", s.administers(c.token, o.Name, "org:admin")}, member{"preferred_namespace", false})
		}
		organizations = append(organizations, view)
	}
	view := object{{"anonymous", false}, {"username", name}, {"avatar", avatar(name, "user")}}
	if details {
		view = append(view, object{
			{"can_create_repo", true}, {"is_me", true}, {"verified", true}, {"email", email(name)}, {"logins", []string{}},
			{"invoice_email", false}, {"invoice_email_address", nil}, {"preferred_namespace", false}, {"tag_expiration_s", 1209600},
			{"prompts", []string{}}, {"company", nil}, {"family_name", nil}, {"given_name", nil}, {"location", nil},
			{"is_free_account", true}, {"has_password_set", true},
		}...)
	}
	return ok(append(view, member{"organizations", organizations}))
}

func email(name string) string { return name + "@example.com" }

// servePerson shows, even without credentials, that a person exists.
func (s *API) servePerson(c call) error {
	name := c.PathValue("user")
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case !s.db.IsPerson(name):
		return noUser
	}
	return ok(object{{"anonymous", false}, {"username", name}, {"avatar", avatar(name, "user")}})
}
