// SPDX-License-Identifier: Apache-2.0

package database

import (
	"slices"
	"time"
)

// Event is an entry of the log. Namespace is the organization or person that it
// belongs to, Repository its org/name if it is about one. Performer is "" for an
// exchange.
type Event struct {
	Kind, Namespace, Repository, Performer, IP string
	Metadata                                   []Field
	Time                                       time.Time
}

// Field is one detail of an event.
type Field struct {
	Name  string
	Value any
}

// Note adds an event to the log.
func (s *Database) Note(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Time = s.now()
	s.log = append(s.log, e)
}

// Events returns the events that a filter accepts, the newest first.
func (s *Database) Events(accept func(Event) bool) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Event
	for _, e := range slices.Backward(s.log) {
		if accept(e) {
			list = append(list, e)
		}
	}
	return list
}
