// SPDX-License-Identifier: Apache-2.0

package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/sandbox/database"
)

// eventsPerPage is Quay's number.
const eventsPerPage = 20

// serveLogs is the log of an organization, or of a person for that person.
func (s *API) serveLogs(c call) error {
	owner, may := s.owner(c)
	if !may {
		return s.forbidden()
	}
	return s.events(c, func(e database.Event) bool { return e.Namespace == owner })
}

// serveRepositoryLogs is the log of a repository, in which exchanges are missing.
func (s *API) serveRepositoryLogs(c call, repository string) error {
	if !s.administersRepository(c.token, repository) {
		return s.forbidden()
	}
	return s.events(c, func(e database.Event) bool { return e.Repository == repository })
}

// events answers with the part of the log that the query asks for.
func (s *API) events(c call, accept func(database.Event) bool) error {
	from, to, found, err := s.search(c, accept)
	if err != nil {
		return err
	}
	list := []object{}
	for _, e := range found {
		metadata := object{}
		for _, field := range e.Metadata {
			metadata = append(metadata, member{field.Name, field.Value})
		}
		view := object{{"kind", e.Kind}, {"metadata", metadata}, {"ip", e.IP}, {"datetime", date(e.Time)}}
		if e.Performer != "" {
			view = append(view, member{"performer", s.performer(e.Performer)})
		}
		list = append(list, view)
	}
	return ok(append(object{{"start_time", date(from)}, {"end_time", date(to)}}, paged("logs", list, eventsPerPage, c)...))
}

func (s *API) performer(name string) object {
	_, isRobot := s.db.Robot(name)
	kind := map[bool]string{true: "robot", false: "user"}[isRobot]
	return object{{"kind", "user"}, {"name", name}, {"is_robot", isRobot}, {"avatar", avatar(name, kind)}}
}

// search finds events between the query's times, which Quay reads as month/day/year
// in UTC and ignores in any other form. Without them it is the last day.
func (s *API) search(c call, accept func(database.Event) bool) (from, to time.Time, found []database.Event, err error) {
	if c.Method != http.MethodGet {
		return from, to, nil, badMethod
	}
	query, now := c.URL.Query(), s.site.Now().UTC()
	const day = 24 * time.Hour
	from, to = now.Add(-day), now.Add(day)
	if t, err := time.Parse("01/02/2006", query.Get("starttime")); err == nil {
		from = t
	}
	if t, err := time.Parse("01/02/2006", query.Get("endtime")); err == nil {
		to = t.Add(day)
	}
	if to.Before(from) {
		return from, to, nil, misunderstood
	}
	performer := query.Get("performer")
	return from, to, s.db.Events(func(e database.Event) bool {
		return accept(e) && (performer == "" || e.Performer == performer) && !e.Time.Before(from) && e.Time.Before(to)
	}), nil
}

// serveAggregate counts an organization's events by kind and day.
func (s *API) serveAggregate(c call) error {
	owner, may := s.owner(c)
	if !may {
		return s.forbidden()
	}
	_, _, found, err := s.search(c, func(e database.Event) bool { return e.Namespace == owner })
	if err != nil {
		return err
	}
	type bin struct {
		day  time.Time
		kind string
	}
	counts := map[bin]int{}
	for _, e := range found {
		counts[bin{e.Time.UTC().Truncate(24 * time.Hour), e.Kind}]++
	}
	bins := slices.SortedFunc(maps.Keys(counts), func(a, b bin) int {
		if c := a.day.Compare(b.day); c != 0 {
			return c
		}
		return strings.Compare(a.kind, b.kind)
	})
	list := []object{}
	for _, b := range bins {
		list = append(list, object{{"kind", b.kind}, {"count", counts[b]}, {"datetime", date(b.day)}})
	}
	return ok(object{{"aggregated", list}})
}
