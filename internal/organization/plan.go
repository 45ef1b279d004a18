// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// step is one thing that Quay must have, or must not. do makes it so; nil if it is so, or if
// the step before does it.
type step struct {
	sign   string // + - ~ =
	robot  quay.Robot
	text   string
	scopes string // that the API token needs for it
	do     func(context.Context) error
	phase  int
}

// The phases of a setup. Those of one robot follow each other, others can be at once.
const (
	phaseRepositories = iota
	phaseRobots
	phaseRemovals
	phases
)

// line shows the step. Of a file each line names its robot.
func (s *Setup) line(step step) string {
	if s.Entry == nil && !strings.HasPrefix(step.text, "robot account ") && !strings.HasPrefix(step.text, "private repository ") {
		return step.sign + " " + step.robot.String() + ": " + step.text
	}
	return step.sign + " " + step.text
}

// add adds a step of a robot; do is nil if nothing is left to do for it.
func (s *Setup) add(sign string, robot quay.Robot, text, scopes string, do func(context.Context) error) *step {
	s.steps = append(s.steps, step{sign, robot, text, scopes, do, phaseRobots})
	return &s.steps[len(s.steps)-1]
}

// plan compares the file with Quay. It only reads.
func (s *Setup) plan(ctx context.Context) (err error) {
	want := Want{Robots: map[string]bool{}, Extra: s.Flags.Prune}
	for _, robot := range s.File.Robots {
		want.Robots[robot.Name] = true
		for _, grant := range robot.Grants {
			_, name, _ := strings.Cut(grant.Repository, "/")
			want.Repositories = append(want.Repositories, name)
		}
	}
	s.survey, err = Read(ctx, s.API, s.Target.Registry.Host, s.File.Organization, s.Run.Env.Clock.Now(), want)
	if err != nil {
		return s.refused(federation.ScopeOrganization, err)
	}
	if len(s.survey.Missing) > 0 {
		return s.refused(s.survey.Missing[0].Scope, s.survey.Missing[0].Err)
	}
	if s.dropsAudiences, err = s.drops(ctx); err != nil {
		return s.refused(federation.ScopeOrganization, err)
	}
	for _, robot := range s.File.Robots {
		if err := s.planRobot(robot); err != nil {
			return err
		}
	}
	if s.Flags.Prune {
		s.prune()
	}
	return nil
}

// stored is what Quay has for a robot.
func (s *Setup) stored(robot quay.Robot) (Robot, bool) {
	i := slices.IndexFunc(s.survey.Robots, func(r Robot) bool { return r.Robot == robot })
	if i < 0 {
		return Robot{}, false
	}
	return s.survey.Robots[i], true
}

func (s *Setup) planRobot(wanted Wanted) error {
	stored, there := s.stored(wanted.Robot)
	text := "robot account " + wanted.String()
	if there {
		s.add("=", wanted.Robot, text, "", nil)
	} else {
		s.add("+", wanted.Robot, text, federation.ScopeOrganization, func(ctx context.Context) error {
			return s.API.Account(wanted.Robot).Create(ctx, wanted.Description)
		})
	}
	for _, grant := range wanted.Grants {
		if err := s.planGrant(wanted.Robot, grant, stored); err != nil {
			return err
		}
	}
	return s.planEntries(wanted, stored)
}

// planGrant plans a repository and the robot's role on it. Flags never lower a role.
func (s *Setup) planGrant(robot quay.Robot, grant quay.Grant, stored Robot) error {
	_, name, _ := strings.Cut(grant.Repository, "/")
	exists := slices.ContainsFunc(s.survey.Repositories, func(r quay.Repository) bool { return r.Name == name })
	planned := slices.ContainsFunc(s.steps, func(s step) bool { return s.text == "private repository "+grant.Repository })
	switch {
	case !exists && !s.Flags.CreateRepositories:
		return &noRepository{target: s.Target, repository: grant.Repository}
	case !exists && !planned:
		create := s.add("+", robot, "private repository "+grant.Repository, federation.ScopeCreate, func(ctx context.Context) error {
			return s.API.CreateRepository(ctx, grant.Repository)
		})
		if s.Entry == nil { // several robots may need it
			create.phase = phaseRepositories
		}
	}
	wanted := fmt.Sprintf("permission %s on %s", grant.Role, grant.Repository)
	give := func(ctx context.Context) error { return s.API.Grant(ctx, robot, grant) }
	switch role := stored.role(name); {
	case role == "":
		s.add("+", robot, wanted, federation.ScopePermission, give)
	case role == grant.Role:
		s.add("=", robot, wanted, "", nil)
	case role.Includes(grant.Role) && s.Entry != nil:
		s.add("=", robot, fmt.Sprintf("%s, by the permission %s", wanted, role), "", nil)
	default:
		s.add("~", robot, fmt.Sprintf("%s, in place of %s", wanted, role), federation.ScopePermission, give)
	}
	return nil
}

// role is the robot's own on a repository.
func (r Robot) role(repository string) quay.Role {
	for _, grant := range r.Grants {
		if grant.Repository == repository && grant.Team == "" {
			return grant.Role
		}
	}
	return ""
}

// planEntries plans the federation entries, saved by one request.
func (s *Setup) planEntries(wanted Wanted, stored Robot) error {
	edit := s.edit(wanted)
	after, err := edit(stored.Entries)
	if err != nil {
		return err
	}
	change := quay.Change{Before: stored.Entries, Wanted: after}
	changes := change.Differences()
	if len(changes) == 0 {
		for _, entry := range wanted.Entries {
			s.add("=", wanted.Robot, "federation entry: "+entry.String(), "", nil)
		}
		federation.WarnOfAudience(s.Run, s.Target, s.entry(), change)
		return nil
	}
	s.warnOfFindings(wanted, changes)
	for i, d := range append(changes, federation.Losses(change)...) {
		text := d.String()
		step := s.add(text[:1], wanted.Robot, "federation entry: "+text[2:], federation.ScopeOrganization, nil)
		if i == 0 { // one request for all
			step.do = func(ctx context.Context) error {
				change, err := s.API.Account(wanted.Robot).EditFederation(ctx, edit)
				return federation.Judge(s.Run, s.target(wanted.Robot), s.entry(), s.Flags.DropAudiences, change, err)
			}
		}
	}
	return nil
}

// entry is the one that flags name; a file has none.
func (s *Setup) entry() federation.WantedEntry {
	if s.Entry == nil {
		return federation.WantedEntry{}
	}
	return *s.Entry
}

// target is the target with this robot.
func (s *Setup) target(robot quay.Robot) request.Target {
	t := s.Target
	t.Robot = robot
	return t
}

// warnOfFindings warns of what is wrong with new entries of a file. Flags are checked before.
func (s *Setup) warnOfFindings(wanted Wanted, changes []quay.Difference) {
	writes := slices.ContainsFunc(wanted.Grants, func(g quay.Grant) bool { return g.Role.Includes("write") })
	for _, d := range changes {
		if !d.Added || s.Entry != nil {
			continue
		}
		for _, f := range federation.Findings(federation.Examined{Issuer: d.Entry.Issuer, Subject: d.Entry.Subject, Writes: writes, Registry: s.Target.Registry.Host}) {
			s.Run.Platform.Warn(platform.Message{Text: wanted.String() + ": " + f.Text, Hints: f.Cures})
		}
	}
}

// prune plans to remove what the file does not name.
func (s *Setup) prune() {
	for _, stored := range s.survey.Robots {
		i := slices.IndexFunc(s.File.Robots, func(w Wanted) bool { return w.Robot == stored.Robot })
		if i < 0 {
			s.add("-", stored.Robot, "robot account "+stored.String()+", with its password, permissions and federation entries", federation.ScopeOrganization, func(ctx context.Context) error {
				return gone(s.API.Account(stored.Robot).Delete(ctx))
			}).phase = phaseRemovals
			continue
		}
		for _, grant := range stored.Grants {
			repository := s.File.Organization + "/" + grant.Repository
			if named := func(g quay.Grant) bool { return g.Repository == repository }; grant.Team == "" && !slices.ContainsFunc(s.File.Robots[i].Grants, named) {
				s.add("-", stored.Robot, fmt.Sprintf("permission %s on %s", grant.Role, repository), federation.ScopePermission, func(ctx context.Context) error {
					return s.API.Revoke(ctx, stored.Robot, repository)
				}).phase = phaseRemovals
			}
		}
	}
}

// noRepository is a missing repository that the user did not ask to create.
type noRepository struct {
	target     request.Target
	repository string
}

// Error is the text.
func (n *noRepository) Error() string {
	return fmt.Sprintf("%s has no repository %s; nothing was changed", n.target.Registry.Host, n.repository)
}

// Message says what to do about it.
func (n *noRepository) Message() platform.Message {
	return platform.Message{Text: n.Error(), Reason: "no-repository", Hints: []string{
		"Check the repository's name.", "To create it as a private repository, add --create-repositories.",
	}}
}

// Unwrap is the cause.
func (n *noRepository) Unwrap() error {
	return &quay.Refusal{Host: n.target.Registry.Host, Status: http.StatusNotFound}
}
