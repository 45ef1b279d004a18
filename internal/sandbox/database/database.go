// SPDX-License-Identifier: Apache-2.0

// Package database is what a Quay stores: people, organizations, robots,
// repositories, and the log of what they did.
package database

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Database is all that one Quay stores. Its methods may be called from several
// goroutines; what they return are copies.
type Database struct {
	now  func() time.Time
	down atomic.Bool

	mu            sync.Mutex
	people        map[string]bool
	organizations map[string]*Organization
	robots        map[string]*Robot
	repositories  map[string]*Repository
	log           []Event
	made          int // counts robots and repositories, which lists are ordered by
}

// New returns an empty database.
func New(now func() time.Time) *Database {
	return &Database{
		now: now, people: map[string]bool{}, organizations: map[string]*Organization{},
		robots: map[string]*Robot{}, repositories: map[string]*Repository{},
	}
}

// SetDatabaseDown makes the database fail, or work again.
func (s *Database) SetDatabaseDown(down bool) { s.down.Store(down) }

// Down reports whether the database fails.
func (s *Database) Down() bool { return s.down.Load() }

// AddPerson adds a person, who owns a namespace of that name.
func (s *Database) AddPerson(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[name] = true
}

// IsPerson reports whether the name is a person's.
func (s *Database) IsPerson(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people[name]
}

// SetRobot adds a robot, or replaces its state. Its password, its namespace, and
// the repositories that it may use, are made if needed.
func (s *Database) SetRobot(robot Robot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	robot.Federation = slices.Clone(robot.Federation)
	robot.Grants = maps.Clone(robot.Grants)
	if robot.Grants == nil {
		robot.Grants = map[string]Role{}
	}
	for _, repository := range slices.Sorted(maps.Keys(robot.Grants)) {
		s.repository(repository)
	}
	s.made++
	robot.order = s.made
	if known, ok := s.robots[robot.Name]; ok {
		robot.order, robot.Created = known.order, known.Created
		robot.Password = cmp.Or(robot.Password, known.Password)
	}
	robot.Password = cmp.Or(robot.Password, Secret())
	if robot.Created.IsZero() {
		robot.Created = s.now()
	}
	s.robots[robot.Name] = &robot
	owner, _, _ := strings.Cut(robot.Name, "+")
	s.namespace(owner)
}

// namespace makes an organization of a name that is no person's.
func (s *Database) namespace(name string) {
	if !s.people[name] && s.organizations[name] == nil {
		s.organizations[name] = newOrganization(name)
	}
}

// DeleteRobot removes a robot. Tokens made for it are refused from then on.
func (s *Database) DeleteRobot(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.robots, name)
	for _, organization := range s.organizations {
		for _, team := range organization.Teams {
			team.Members = slices.DeleteFunc(team.Members, func(member string) bool { return member == name })
		}
	}
}

// Robot returns the robot of that full name.
func (s *Database) Robot(name string) (Robot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	robot, ok := s.robots[name]
	if !ok {
		return Robot{}, false
	}
	return robot.copy(), true
}

// RobotsOf returns the robots of a namespace in the order in which they were made.
func (s *Database) RobotsOf(namespace string) []Robot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Robot
	for name, robot := range s.robots {
		if strings.HasPrefix(name, namespace+"+") {
			list = append(list, robot.copy())
		}
	}
	slices.SortFunc(list, func(a, b Robot) int { return a.order - b.order })
	return list
}

// ChangeRobot changes a robot in place; it reports false if there is none.
func (s *Database) ChangeRobot(name string, change func(*Robot)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	robot, ok := s.robots[name]
	if ok {
		change(robot)
	}
	return ok
}

// accessInterval is how often at most Quay notes that a robot was used.
const accessInterval = time.Minute

// Accessed notes that a robot has logged in to the registry.
func (s *Database) Accessed(name string) {
	now := s.now()
	s.ChangeRobot(name, func(robot *Robot) {
		if now.Sub(robot.LastAccessed) >= accessInterval {
			robot.LastAccessed = now
		}
	})
}
