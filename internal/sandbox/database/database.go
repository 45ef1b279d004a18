// SPDX-License-Identifier: Apache-2.0

// Package database is what a Quay stores: robots and repositories.
package database

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Database is all that one Quay stores. Its methods may be called from several
// goroutines.
type Database struct {
	now          func() time.Time
	mu           sync.Mutex
	robots       map[string]Robot
	repositories map[string]bool
}

// New returns a database with robots, and with repositories beside those that a
// robot may use.
func New(robots []Robot, repositories []string, now func() time.Time) *Database {
	s := &Database{now: now, robots: map[string]Robot{}, repositories: map[string]bool{}}
	for _, robot := range robots {
		s.SetRobot(robot)
	}
	for _, repository := range repositories {
		s.repositories[repository] = true
	}
	return s
}

// SetRobot adds a robot, or replaces its state.
func (s *Database) SetRobot(robot Robot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grants := map[string]Role{}
	for repository, role := range robot.Grants {
		grants[repository] = role
		s.repositories[repository] = true
	}
	robot.Federation = slices.Clone(robot.Federation)
	robot.Grants = grants
	if robot.Created.IsZero() {
		robot.Created = s.now()
	}
	s.robots[robot.Name] = robot
}

// DeleteRobot removes a robot. Tokens made for it are refused from then on.
func (s *Database) DeleteRobot(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.robots, name)
}

// Robot returns the robot of that full name.
func (s *Database) Robot(name string) (Robot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	robot, ok := s.robots[name]
	robot.Grants = maps.Clone(robot.Grants)
	return robot, ok
}

// RobotsOf gives the robots of a namespace, or all of them, by their names.
func (s *Database) RobotsOf(namespace string) []Robot {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Robot
	for _, name := range slices.Sorted(maps.Keys(s.robots)) {
		if namespace == "" || strings.HasPrefix(name, namespace+"+") {
			list = append(list, s.robots[name])
		}
	}
	return list
}

// HasNamespace reports whether robots or repositories belong to a name.
func (s *Database) HasNamespace(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for repository := range s.repositories {
		if strings.HasPrefix(repository, name+"/") {
			return true
		}
	}
	for robot := range s.robots {
		if strings.HasPrefix(robot, name+"+") {
			return true
		}
	}
	return false
}

// SetFederation replaces a robot's entries.
func (s *Database) SetFederation(name string, entries []Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if robot, ok := s.robots[name]; ok {
		robot.Federation = entries
		s.robots[name] = robot
	}
}

// Grant gives a robot a role on a repository, "" takes it away.
func (s *Database) Grant(name, repository string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if role == "" {
		delete(s.robots[name].Grants, repository)
	} else if robot, ok := s.robots[name]; ok {
		robot.Grants[repository] = role
	}
}

// CreateRepository reports false where there is one of that name.
func (s *Database) CreateRepository(repository string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repositories[repository] {
		return false
	}
	s.repositories[repository] = true
	return true
}

// Actions gives those of the wanted actions that the robot may do, in Quay's
// order. Asking for push on a missing repository creates it, if it may.
func (s *Database) Actions(robot, repository string, wanted []string, mayCreate bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := s.robots[robot]
	owner, _, _ := strings.Cut(robot, "+")
	creates := mayCreate && account.Creator && strings.HasPrefix(repository, owner+"/")
	if !s.repositories[repository] && creates && slices.Contains(wanted, "push") {
		s.repositories[repository] = true
		account.Grants[repository] = Admin
	}
	granted := []string{}
	for _, action := range []string{"push", "pull", "*"} {
		if slices.Contains(wanted, action) && account.Grants[repository].allows(action) {
			granted = append(granted, action)
		}
	}
	return granted
}

func (r Role) allows(action string) bool {
	switch action {
	case "pull":
		return r != ""
	case "push":
		return r == Write || r == Admin
	default:
		return r == Admin
	}
}

// RepositoryExists reports whether there is a repository (org/name), configured
// or created by a push.
func (s *Database) RepositoryExists(repository string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repositories[repository]
}
