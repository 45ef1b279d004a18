// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Time is a time as the API writes it, or the zero time for null.
type Time struct{ time.Time }

// UnmarshalJSON reads it.
func (t *Time) UnmarshalJSON(raw []byte) (err error) {
	var text string
	if err = json.Unmarshal(raw, &text); err != nil || text == "" {
		return err
	}
	t.Time, err = time.Parse(time.RFC1123Z, text)
	return err
}

// named is a team or a repository in an answer.
type named struct {
	Name string `json:"name"`
}

// RobotAccount is a robot account in a list. LastAccessed is when it last logged in to
// the registry, by password or robot token.
type RobotAccount struct {
	Name         string `json:"name"` // the full name
	Description  string `json:"description"`
	Created      Time   `json:"created"`
	LastAccessed Time   `json:"last_accessed"`
	// Repositories are those on which the robot itself has a role, without the namespace.
	// It is nil if the API token may not administer the organization.
	Repositories []string `json:"repositories"`
}

// Robots lists the robots of an organization, or of the API token's own user. It never
// asks for their passwords, which the API shows unless told not to.
func (a *API) Robots(ctx context.Context, namespace string) ([]RobotAccount, error) {
	answer, err := a.robots(ctx, http.MethodGet, namespace, "?permissions=true&token=false", nil)
	list, err := decoded[struct{ Robots []RobotAccount }](a, answer, err, "a list of robots")
	return list.Robots, err
}

// rolesOf reads roles on repositories of a namespace.
type rolesOf struct {
	Permissions []struct {
		Repository named
		Role       Role
	}
}

func (r rolesOf) grants(namespace string) []Grant {
	var grants []Grant
	for _, p := range r.Permissions {
		grants = append(grants, Grant{Repository: namespace + "/" + p.Repository.Name, Role: p.Role})
	}
	return grants
}

// Grants lists the robot's own roles, not those of its teams. For a robot of an
// organization the API token needs the scopes org:admin and user:admin.
func (a *Account) Grants(ctx context.Context) ([]Grant, error) {
	answer, err := a.ask(ctx, http.MethodGet, "/permissions", nil)
	roles, err := decoded[rolesOf](a.api, answer, err, "a list of permissions")
	return roles.grants(a.robot.Namespace), err
}

// Repository is a repository in a list. A robot can push only if its State is NORMAL.
type Repository struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Public    bool   `json:"is_public"`
}

// Repositories lists the repositories of a namespace that the API token can see. It is
// empty for a namespace that does not exist.
func (a *API) Repositories(ctx context.Context, namespace string) ([]Repository, error) {
	const what = "a list of repositories"
	var all []Repository
	for page, err := range a.pages(ctx, "/api/v1/repository?namespace="+url.QueryEscape(namespace), what) {
		if err != nil {
			return nil, err
		}
		// To a page that it does not know Quay answers with the first one.
		if len(all) > 0 && slices.Contains(page.Repositories, all[0]) {
			return nil, a.unbelievable("repeats a page of %s", what)
		}
		all = append(all, page.Repositories...)
	}
	return all, nil
}

// page is a part of a list.
type page struct {
	Repositories []Repository
	Logs         []event
	Next         string `json:"next_page"`
}

// pages reads a list of several pages, whose path has a query.
func (a *API) pages(ctx context.Context, path, what string) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		p, err := read[page](ctx, a, path, what)
		for yield(p, err) && err == nil && p.Next != "" {
			p, err = read[page](ctx, a, path+"&next_page="+url.QueryEscape(p.Next), what)
		}
	}
}

// Team is a team of an organization. Its Role is admin, creator or member.
type Team struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

// Teams lists the teams of an organization. There are none if the API token may not
// administer it.
func (a *API) Teams(ctx context.Context, org string) ([]Team, error) {
	found, err := read[struct {
		Teams map[string]Team
		Order []string `json:"ordered_teams"`
	}](ctx, a, organization(org), "an organization")
	var teams []Team
	for _, name := range found.Order {
		teams = append(teams, found.Teams[name])
	}
	return teams, err
}

// TeamMembers lists the full names of the robots and the names of the people in a team.
func (a *API) TeamMembers(ctx context.Context, org, team string) ([]string, error) {
	found, err := read[struct{ Members []named }](ctx, a, organization(org)+"/team/"+team+"/members", "the members of a team")
	var names []string
	for _, member := range found.Members {
		names = append(names, member.Name)
	}
	return names, err
}

// TeamGrants lists the roles that every member of a team has.
func (a *API) TeamGrants(ctx context.Context, org, team string) ([]Grant, error) {
	roles, err := read[rolesOf](ctx, a, organization(org)+"/team/"+team+"/permissions", "the permissions of a team")
	return roles.grants(org), err
}

// DefaultGrant is a role that new repositories of an organization get: for a robot or
// person, or a team; of those that Creator makes, or of all if that is "".
type DefaultGrant struct {
	Delegate string `json:"delegate"`
	Team     bool   `json:"is_team"`
	Creator  string `json:"creator,omitempty"`
	Role     Role   `json:"role"`
}

// DefaultGrants lists an organization's default permissions.
func (a *API) DefaultGrants(ctx context.Context, org string) ([]DefaultGrant, error) {
	found, err := read[struct {
		Prototypes []struct {
			Activating named `json:"activating_user"`
			Delegate   struct {
				named
				Kind string
			}
			Role Role
		}
	}](ctx, a, organization(org)+"/prototypes", "a list of default permissions")
	var grants []DefaultGrant
	for _, p := range found.Prototypes {
		grants = append(grants, DefaultGrant{
			Delegate: p.Delegate.Name, Team: p.Delegate.Kind == "team", Creator: p.Activating.Name, Role: p.Role,
		})
	}
	return grants, err
}

// LogEntry is an event in an organization's usage log. Robot is the full name of the
// robot that it is about, or "".
type LogEntry struct {
	Kind            string // as federated_robot_token_exchange
	Time            time.Time
	Robot           string
	Issuer, Subject string // of the ID token of an exchange
}

// event is a [LogEntry] as the API writes it.
type event struct {
	Kind      string
	Datetime  Time
	Metadata  map[string]any
	Performer named
}

func (e event) entry(org string) LogEntry {
	text := func(name string) string { s, _ := e.Metadata[name].(string); return s }
	entry := LogEntry{Kind: e.Kind, Time: e.Datetime.Time, Issuer: text("issuer"), Subject: text("subject"), Robot: text("robot")}
	switch {
	case entry.Robot != "" && !strings.Contains(entry.Robot, "+"):
		entry.Robot = org + "+" + entry.Robot
	case entry.Robot == "" && strings.Contains(e.Performer.Name, "+"):
		entry.Robot = e.Performer.Name
	}
	return entry
}

// Log reads an organization's usage log since a day, newest first, but only that many
// pages. From is the time back to which it was read. The API token needs org:admin.
func (a *API) Log(ctx context.Context, org string, since time.Time, most int) (entries []LogEntry, from time.Time, err error) {
	path := organization(org) + "/logs?starttime=" + url.QueryEscape(since.UTC().Format("01/02/2006"))
	for page, err := range a.pages(ctx, path, "a usage log") {
		if err != nil {
			return nil, since, err
		}
		for _, event := range page.Logs {
			entries = append(entries, event.entry(org))
		}
		if most--; most == 0 && page.Next != "" && len(entries) > 0 {
			return entries, entries[len(entries)-1].Time, nil
		}
	}
	return entries, since, nil
}
