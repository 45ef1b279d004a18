// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
)

// serveFederation reads, replaces and deletes a robot's federation entries. As at
// Quay, a list replaces whatever is stored, so of two clients that read, add and
// write at once the first one loses its entry.
func (s *API) serveFederation(c call) error {
	var list []database.Entry
	if c.Method == http.MethodPost { // the schema comes before the rights
		var err error
		if list, err = s.readFederation(c); err != nil {
			return err
		}
	}
	owner, may := s.owner(c)
	if !may {
		return s.forbidden()
	}
	short := c.PathValue("robot")
	robot, there := s.db.Robot(owner + "+" + short)
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodDelete}, c.Method):
		return badMethod
	case !there:
		return noRobot
	case c.Method == http.MethodGet:
		return ok(s.federationView(robot.Federation))
	case c.Method == http.MethodDelete:
		s.db.ChangeRobot(robot.Name, func(r *database.Robot) { r.Federation = nil })
		s.note(c, "delete_robot_federation", owner, "", database.Field{Name: "robot", Value: short})
		return noContent
	}
	if s.settings.Release.Bindings {
		list = bound(robot.Federation, list)
	}
	s.db.ChangeRobot(robot.Name, func(r *database.Robot) { r.Federation = list })
	view := s.federationView(list)
	s.note(c, "create_robot_federation", owner, "", database.Field{Name: "config", Value: view}, database.Field{Name: "robot", Value: short})
	return ok(view)
}

// federationView is the entries as the API shows what is stored.
func (s *API) federationView(entries []database.Entry) []object {
	list := []object{}
	for _, entry := range entries {
		view := object{{"issuer", s.site.Issuer(entry.Issuer)}, {"subject", entry.Subject}}
		switch {
		case entry.BrokenAudiences:
			view = append(view, member{"audiences", "quay"})
		case entry.Audiences != nil:
			view = append(view, member{"audiences", entry.Audiences})
		}
		list = append(list, append(view, ordered(entry.Fields)...))
	}
	return list
}

// readFederation reads the list that a call sends. It silently drops what Quay
// does not know: up to 3.18 that is all except issuer and subject.
func (s *API) readFederation(c call) ([]database.Entry, error) {
	value, err := c.json()
	if err != nil {
		return nil, err
	}
	if wrong := federationViolation(value); wrong != "" {
		return nil, s.invalidRequest(wrong)
	}
	entries, seen := []database.Entry{}, map[[2]string]bool{}
	for _, item := range value.([]any) {
		fields := item.(map[string]any)
		entry := database.Entry{Issuer: fields["issuer"].(string), Subject: fields["subject"].(string)}
		pair := [2]string{entry.Issuer, entry.Subject}
		switch {
		case entry.Issuer == "" || entry.Subject == "":
			return nil, s.invalidRequest("Missing one or more required fields (issuer, subject)")
		case !strings.HasPrefix(entry.Issuer, "http://") && !strings.HasPrefix(entry.Issuer, "https://"):
			return nil, s.invalidRequest("Issuer must be a URL (http:// or https://)")
		case seen[pair]:
			return nil, s.invalidRequest("Duplicate federation config entry")
		}
		seen[pair] = true
		if s.settings.Release.Bindings {
			if err := s.parseBinding(&entry, fields); err != nil {
				return nil, err
			}
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
