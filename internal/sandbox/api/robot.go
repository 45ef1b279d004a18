// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/web"
)

// owner is the namespace that the path is about, if the token may manage the
// robots of it.
func (s *API) owner(c call) (string, error) {
	organization := c.PathValue("org")
	switch {
	case organization == "" && c.token.may("user:admin"):
		return c.token.User, nil
	case organization != "" && c.token.administers(organization, "org:admin"):
		return organization, nil
	}
	return "", s.forbidden()
}

// serveRobots lists the robots of a namespace.
func (s *API) serveRobots(c call) error {
	owner, err := s.owner(c)
	switch {
	case err != nil:
		return err
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	}
	list := []object{}
	for _, robot := range s.db.RobotsOf(owner) {
		repositories := []string{}
		for _, grant := range ordered(anyMap(robot.Grants)) {
			_, name, _ := strings.Cut(grant.name, "/")
			repositories = append(repositories, name)
		}
		list = append(list, object{{"name", robot.Name}, {"created", s.created(robot)}, {"last_accessed", nil},
			{"teams", []string{}}, {"repositories", repositories}, {"description", robot.Description}})
	}
	return pythonAnswer(http.StatusOK, object{{"robots", list}})
}

func anyMap(grants map[string]database.Role) map[string]any {
	m := map[string]any{}
	for repository, role := range grants {
		m[repository] = role
	}
	return m
}

func (s *API) created(robot database.Robot) string {
	return robot.Created.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0000")
}

var robotName = regexp.MustCompile(`^([a-z0-9]+(?:[._-][a-z0-9]+)*)$`)

// serveRobot makes, shows and deletes a robot. As at Quay, the first two answer
// with its permanent password.
func (s *API) serveRobot(c call) error {
	owner, err := s.owner(c)
	if err != nil {
		return err
	}
	short := c.PathValue("robot")
	robot, there := s.db.Robot(owner + "+" + short)
	switch c.Method {
	case http.MethodGet:
		if !there {
			return noRobot
		}
		return pythonAnswer(http.StatusOK, s.robotView(robot, object{}))
	case http.MethodDelete:
		if !there {
			return noRobot
		}
		s.db.DeleteRobot(robot.Name)
		return noContent
	case http.MethodPut:
		return s.createRobot(c, owner, short, there)
	}
	return badMethod
}

func (s *API) createRobot(c call, owner, short string, there bool) error {
	wrong := func(why string) error {
		return s.invalidRequest(fmt.Sprintf("The name for the robot '%s' is invalid: Namespace must %s", short, why))
	}
	switch {
	case len(short) < 2 || len(short) > 255:
		return wrong("be between 2 and 255 characters in length")
	case !robotName.MatchString(short):
		return wrong("match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$")
	case there:
		return s.invalidRequest("Existing robot with name: " + owner + "+" + short)
	}
	robot := database.Robot{Name: owner + "+" + short, Password: database.Secret(), Created: s.site.Now()}
	if body, err := c.json(); err == nil {
		if fields, ok := body.(map[string]any); ok {
			robot.Description, _ = fields["description"].(string)
		}
	}
	s.db.SetRobot(robot)
	return pythonAnswer(http.StatusCreated, s.robotView(robot, nil))
}

func (s *API) robotView(robot database.Robot, metadata any) object {
	return object{{"name", robot.Name}, {"created", s.created(robot)}, {"last_accessed", nil},
		{"description", robot.Description}, {"token", robot.Password}, {"unstructured_metadata", metadata}}
}

// noAddress is how Quay answers addresses that it does not have.
func (s *API) noAddress(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		web.NotAllowed.Write(w)
		return
	}
	web.Page(http.StatusPermanentRedirect, web.TypeHTMLUTF8, "Redirecting...", "").With("Location", s.site.URL+r.URL.Path+"/").Write(w)
}

// serveFederation reads, replaces and deletes a robot's federation entries.
func (s *API) serveFederation(c call) error {
	var list []database.Entry
	if c.Method == http.MethodPost { // the schema comes before the rights
		value, err := c.json()
		if err != nil {
			return err
		}
		if wrong := federationViolation(value); wrong != "" {
			return s.invalidRequest(wrong)
		}
		if list, err = s.parseFederation(value.([]any)); err != nil {
			return err
		}
	}
	owner, err := s.owner(c)
	if err != nil {
		return err
	}
	name := owner + "+" + c.PathValue("robot")
	robot, there := s.db.Robot(name)
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodDelete}, c.Method):
		return badMethod
	case !there:
		return noRobot
	case c.Method == http.MethodGet:
		return pythonAnswer(http.StatusOK, s.federationView(robot.Federation))
	case c.Method == http.MethodDelete:
		s.db.SetFederation(name, nil)
		return noContent
	}
	if s.settings.Release.Bindings {
		list = bound(robot.Federation, list)
	}
	s.db.SetFederation(name, list)
	return pythonAnswer(http.StatusOK, s.federationView(list))
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

// parseFederation takes a list that the schema took. What it does not know it
// drops in silence: up to 3.18 that is all but issuer and subject.
func (s *API) parseFederation(list []any) ([]database.Entry, error) {
	entries, seen := []database.Entry{}, map[[2]string]bool{}
	for _, item := range list {
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
