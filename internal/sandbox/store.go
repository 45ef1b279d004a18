// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// store is Quay's database: robots and repositories.
type store struct {
	mu           sync.Mutex
	robots       map[string]Robot
	repositories map[string]bool
}

func newStore(cfg Config) *store {
	s := &store{robots: map[string]Robot{}, repositories: map[string]bool{}}
	for _, robot := range cfg.Robots {
		robot.created = cfg.Now()
		s.put(robot)
	}
	for _, repository := range cfg.Repositories {
		s.repositories[repository] = true
	}
	return s
}

func (s *store) put(robot Robot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grants := map[string]Role{}
	for repository, role := range robot.Grants {
		grants[repository] = role
		s.repositories[repository] = true
	}
	robot.Federation = slices.Clone(robot.Federation)
	robot.Grants = grants
	s.robots[robot.Name] = robot
}

func (s *store) delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.robots, name)
}

func (s *store) robot(name string) (Robot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	robot, ok := s.robots[name]
	robot.Grants = maps.Clone(robot.Grants)
	return robot, ok
}

// robotsOf gives the robots of a namespace, or all of them, by their names.
func (s *store) robotsOf(namespace string) []Robot {
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

// hasNamespace reports whether robots or repositories belong to a name.
func (s *store) hasNamespace(name string) bool {
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

// setFederation replaces a robot's entries.
func (s *store) setFederation(name string, entries []Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if robot, ok := s.robots[name]; ok {
		robot.Federation = entries
		s.robots[name] = robot
	}
}

// grant gives a robot a role on a repository, "" takes it away.
func (s *store) grant(name, repository string, role Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if role == "" {
		delete(s.robots[name].Grants, repository)
	} else if robot, ok := s.robots[name]; ok {
		robot.Grants[repository] = role
	}
}

// createRepository reports false where there is one of that name.
func (s *store) createRepository(repository string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repositories[repository] {
		return false
	}
	s.repositories[repository] = true
	return true
}

// actions gives those of the wanted actions that the robot may do, in Quay's
// order. Asking for push on a missing repository creates it, if it may.
func (s *store) actions(robot, repository string, wanted []string, mayCreate bool) []string {
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

// SetRobot adds a robot, or puts another state of it in place.
func (s *Sandbox) SetRobot(robot Robot) { s.store.put(robot) }

// DeleteRobot removes a robot. Tokens made for it are refused from then on.
func (s *Sandbox) DeleteRobot(name string) { s.store.delete(name) }

// RepositoryExists says whether Quay has the repository (org/name), configured
// or created by a push.
func (s *Sandbox) RepositoryExists(repository string) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.repositories[repository]
}
