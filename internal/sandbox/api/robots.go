// SPDX-License-Identifier: Apache-2.0

package api

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/web"
)

// serveRobots lists the robots of a namespace. As at Quay, it shows their
// passwords unless the query says token=false, and members who do not administer
// the organization see names, dates and descriptions.
func (s *API) serveRobots(c call) error {
	owner, may := s.owner(c)
	o, _ := s.db.Organization(owner)
	isMember := c.PathValue("org") != "" && c.token.may("org:admin") && o.Has(c.token.User, "")
	limit, err := strconv.Atoi(c.URL.Query().Get("limit"))
	switch {
	case c.Method != http.MethodGet:
		return badMethod
	case !may && !isMember:
		return s.forbidden()
	case err != nil && c.URL.Query().Has("limit"):
		return web.JSON(http.StatusBadRequest, map[string]any{"message": map[string]string{"limit": "If specified, the number of robots to return."}})
	case limit < 0:
		return web.InternalError
	}
	permissions := may && asked(c, "permissions", false)
	robots := s.db.RobotsOf(owner)
	if permissions || limit > 0 {
		slices.Reverse(robots)
		slices.SortStableFunc(robots, latestFirst)
	}
	var rows []row
	for _, robot := range robots {
		rows = append(rows, s.rowsOf(robot, permissions)...)
	}
	if limit > 0 {
		rows = rows[:min(limit, len(rows))]
	}
	return ok(object{{"robots", listed(rows, permissions, may && asked(c, "token", true))}})
}

// latestFirst orders robots by their latest login. As on PostgreSQL, those that
// never logged in come first.
func latestFirst(a, b database.Robot) int {
	switch {
	case a.LastAccessed.IsZero() == b.LastAccessed.IsZero():
		return b.LastAccessed.Compare(a.LastAccessed)
	case a.LastAccessed.IsZero():
		return -1
	}
	return 1
}

// row is what Quay's limit counts: a robot with one of its repositories and one
// of its teams, or without.
type row struct {
	robot            database.Robot
	repository, team string
}

func (s *API) rowsOf(robot database.Robot, permissions bool) []row {
	repositories, teams := []string{""}, []string{""}
	if permissions {
		for _, grant := range slices.Sorted(maps.Keys(robot.Grants)) {
			_, name, _ := strings.Cut(grant, "/")
			repositories = append(repositories, name)
		}
		teams = append(teams, s.db.TeamsOf(robot.Name)...)
	}
	var rows []row
	for _, repository := range repositories[min(1, len(repositories)-1):] {
		for _, team := range teams[min(1, len(teams)-1):] {
			rows = append(rows, row{robot, repository, team})
		}
	}
	return rows
}

// listed makes a list of robots of their rows.
func listed(rows []row, permissions, password bool) []object {
	list := []object{}
	for len(rows) > 0 {
		robot := rows[0].robot
		repositories, names := []string{}, []string{}
		for len(rows) > 0 && rows[0].robot.Name == robot.Name {
			if name := rows[0].repository; name != "" && !slices.Contains(repositories, name) {
				repositories = append(repositories, name)
			}
			if name := rows[0].team; name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
			rows = rows[1:]
		}
		view := robotView(robot)
		if permissions {
			teams := []object{}
			for _, name := range names {
				teams = append(teams, object{{"name", name}, {"avatar", avatar(name, "team")}})
			}
			view = slices.Insert(view, 3, member{"teams", teams}, member{"repositories", repositories})
		}
		if password {
			view = append(view, member{"token", robot.Password})
		}
		list = append(list, view)
	}
	return list
}
