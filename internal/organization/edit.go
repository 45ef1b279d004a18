// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"context"
	"slices"
	"strings"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// edit makes the wanted list of a robot's federation entries. It refuses a list whose
// audiences Quay would not store; a dry run of a file shows them as changes.
func (s *Setup) edit(wanted Wanted) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) {
		list := s.merged(stored, wanted.Entries).Distinct()
		change := quay.Change{Before: stored, Wanted: list}
		if s.Flags.DropAudiences || s.Flags.DryRun && s.Entry == nil || len(change.Differences()) == 0 {
			return list, nil
		}
		var lost []quay.Entry
		for _, d := range federation.Losses(change) {
			lost = append(lost, d.Entry)
		}
		for _, entry := range list {
			if _, there := stored.Find(entry.Issuer, entry.Subject); !there && s.Entry == nil && entry.Restricted() && s.dropsAudiences {
				lost = append(lost, entry)
			}
		}
		if len(lost) > 0 {
			return nil, &federation.LostAudiences{Target: s.target(wanted.Robot), Entries: lost}
		}
		return list, nil
	}
}

// merged is the stored list with the wanted entries. Fields that the file does not name stay
// as they are.
func (s *Setup) merged(stored, wanted quay.Entries) quay.Entries {
	list := slices.Clone(stored)
	if s.Flags.Prune {
		list = slices.DeleteFunc(list, func(e quay.Entry) bool { _, named := wanted.Find(e.Issuer, e.Subject); return !named })
	}
	for _, entry := range wanted {
		old, there := stored.Find(entry.Issuer, entry.Subject)
		if s.assumed(entry, old, there) {
			entry = entry.WithField("audiences", nil)
		}
		if there {
			for name, value := range entry.Fields() {
				old = old.WithField(name, value)
			}
			entry = old
		}
		list = list.With(entry)
	}
	return list
}

// assumed reports audiences that need not be sent: the one that a later Quay assumes and an
// earlier one does not store, and, for flags, one of several that are stored.
func (s *Setup) assumed(entry, old quay.Entry, there bool) bool {
	switch {
	case !there || !old.Restricted():
		return slices.Equal(entry.Audiences, []string{request.DefaultAudience})
	case s.Entry != nil:
		return slices.ContainsFunc(entry.Audiences, func(audience string) bool { return slices.Contains(old.Audiences, audience) })
	}
	return false
}

// dropsAudiences reports a Quay whose API stores no audiences: up to 3.18, which gives no
// entry an id.
func (s *Survey) dropsAudiences() bool {
	entries := s.entries()
	return len(entries) > 0 && !slices.ContainsFunc(entries, func(e quay.Entry) bool { return e.ID != "" })
}

// entries are those of all robots.
func (s *Survey) entries() (all quay.Entries) {
	for _, robot := range s.Robots {
		all = append(all, robot.Entries...)
	}
	return all
}

// drops is dropsAudiences before a file is carried out that names audiences. If its robots
// have no entries, those of the organization's other robots tell, but not of all of a thousand.
func (s *Setup) drops(ctx context.Context) (bool, error) {
	names := func(w Wanted) bool { return slices.ContainsFunc(w.Entries, quay.Entry.Restricted) }
	if s.Entry != nil || len(s.survey.entries()) > 0 || !slices.ContainsFunc(s.File.Robots, names) {
		return s.survey.dropsAudiences(), nil
	}
	var seen Survey
	others, err := s.API.Robots(ctx, s.File.Organization)
	for _, other := range others[:min(len(others), 50)] {
		_, name, _ := strings.Cut(other.Name, "+")
		entries, err := s.API.Account(quay.Robot{Namespace: s.File.Organization, Name: name}).Federation(ctx)
		if gone(err) != nil {
			return false, err
		}
		seen.Robots = append(seen.Robots, Robot{Entries: entries})
	}
	return seen.dropsAudiences(), err
}
