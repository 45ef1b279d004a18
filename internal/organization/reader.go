// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/quay"
)

// reader collects a survey from several requests at once.
type reader struct {
	api  *quay.API
	want Want
	now  time.Time

	done, total atomic.Int64 // tasks

	mu     sync.Mutex
	survey *Survey
	robots map[string]*Robot // by full name
	events []quay.LogEntry
}

// list lists the robots. Of one robot its federation entries tell whether it exists.
func (r *reader) list(ctx context.Context) ([]quay.RobotAccount, error) {
	if len(r.want.Robots) != 1 || r.want.Extra {
		return r.api.Robots(ctx, r.survey.Name)
	}
	for name := range r.want.Robots {
		return []quay.RobotAccount{{Name: r.survey.Name + "+" + name}}, nil
	}
	return nil, nil
}

// robot changes one of the robots, which may belong to another namespace.
func (r *reader) robot(full string, change func(*Robot)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.robots[full] == nil {
		owner, name, _ := strings.Cut(full, "+")
		r.robots[full] = &Robot{Robot: quay.Robot{Namespace: owner, Name: name}, FullName: full, Grants: []Grant{}, Federation: []describedEntry{}}
	}
	change(r.robots[full])
}

// lacks notes a part that the API token does not show. Other errors are returned.
func (r *reader) lacks(part, scope string, err error) error {
	var refusal *quay.Refusal
	if err != nil && (!errors.As(err, &refusal) || refusal.Status != http.StatusForbidden) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && !slices.ContainsFunc(r.survey.Missing, func(m Missing) bool { return m.Part == part }) {
		r.survey.Missing = append(r.survey.Missing, Missing{part, scope, err})
	}
	return nil
}

func (r *reader) known(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(r.survey.Missing, func(m Missing) bool { return m.Part == part })
}

// The parts that may be missing.
const (
	partEntries  = "federation entries"
	partRoles    = "permissions of robots"
	partTeams    = "permissions by team"
	partDefaults = "default permissions"
	partLog      = "exchanges in the usage log"
)

// entries reads the federation entries of each robot.
func (r *reader) entries(listed []quay.RobotAccount) (tasks []task) {
	for _, account := range listed {
		_, name, _ := strings.Cut(account.Name, "+")
		if !r.want.robot(name) {
			continue
		}
		tasks = append(tasks, func(ctx context.Context) error {
			if !r.known(partEntries) {
				return nil
			}
			entries, err := r.api.Account(quay.Robot{Namespace: r.survey.Name, Name: name}).Federation(ctx)
			var refusal *quay.Refusal
			if errors.As(err, &refusal) && refusal.Reason == quay.NoSuchRobot {
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(r.robots, account.Name) // it does not exist, or not any more
				return nil
			}
			r.robot(account.Name, func(robot *Robot) { robot.Entries = entries })
			return r.lacks(partEntries, federation.ScopeOrganization, err)
		})
	}
	return tasks
}

// roles reads the permissions of robots by repository, which needs fewer requests and
// scopes than by robot. If the API token may not do that, an audit reads them by robot.
func (r *reader) roles(ctx context.Context, listed []quay.RobotAccount) (tasks []task, err error) {
	all := r.want.Robots == nil
	asked := map[string]bool{}
	for _, repository := range r.survey.Repositories {
		asked[repository.Name] = slices.Contains(r.want.Repositories, repository.Name)
	}
	for _, account := range listed {
		_, name, _ := strings.Cut(account.Name, "+")
		if all && account.Repositories == nil { // as Quay shows it to members
			_ = r.lacks(partRoles, federation.ScopeOrganization, &quay.Refusal{Status: http.StatusForbidden, Reason: quay.NotAllowed})
		}
		for _, repository := range account.Repositories {
			asked[repository] = asked[repository] || all || r.want.Extra && r.want.Robots[name]
		}
	}
	maps.DeleteFunc(asked, func(_ string, asked bool) bool { return !asked })
	for i, repository := range slices.Sorted(maps.Keys(asked)) {
		if i > 0 {
			tasks = append(tasks, func(ctx context.Context) error { return r.rolesOn(ctx, repository) })
			continue
		}
		if err = r.rolesOn(ctx, repository); err == nil && all && !r.known(partRoles) {
			return r.rolesOf(listed), nil
		}
	}
	return tasks, err
}

func (r *reader) rolesOn(ctx context.Context, repository string) error {
	roles, err := r.api.RolesOn(ctx, r.survey.Name+"/"+repository)
	for name, role := range roles {
		if strings.HasPrefix(name, r.survey.Name+"+") {
			r.robot(name, func(robot *Robot) { robot.Grants = append(robot.Grants, Grant{Repository: repository, Role: role}) })
		}
	}
	return r.lacks(partRoles, federation.ScopePermission, err)
}

// rolesOf reads the permissions by robot.
func (r *reader) rolesOf(listed []quay.RobotAccount) (tasks []task) {
	r.survey.Missing = []Missing{}
	for _, account := range listed {
		if len(account.Repositories) == 0 {
			continue
		}
		tasks = append(tasks, func(ctx context.Context) error {
			_, name, _ := strings.Cut(account.Name, "+")
			if !r.known(partRoles) {
				return nil
			}
			grants, err := r.api.Account(quay.Robot{Namespace: r.survey.Name, Name: name}).Grants(ctx)
			r.robot(account.Name, func(robot *Robot) { robot.join(quay.Team{Role: "member"}, grants) })
			return r.lacks(partRoles, federation.ScopePermission, err)
		})
	}
	return tasks
}

// teams reads which robots are in which team, and what the team may do.
func (r *reader) teams(ctx context.Context) (tasks []task, err error) {
	teams, err := r.api.Teams(ctx, r.survey.Name)
	if len(teams) == 0 && err == nil { // there is always the team owners
		err = &quay.Refusal{Status: http.StatusForbidden, Reason: quay.NotAllowed}
	}
	for _, team := range teams {
		tasks = append(tasks, func(ctx context.Context) error {
			members, err := r.api.TeamMembers(ctx, r.survey.Name, team.Name)
			var grants []quay.Grant
			if err == nil {
				grants, err = r.api.TeamGrants(ctx, r.survey.Name, team.Name)
			}
			for _, member := range members {
				if strings.Contains(member, "+") {
					r.robot(member, func(robot *Robot) { robot.join(team, grants) })
				}
			}
			return r.lacks(partTeams, federation.ScopeOrganization, err)
		})
	}
	return tasks, r.lacks(partTeams, federation.ScopeOrganization, err)
}

// join adds what a team may do.
func (r *Robot) join(team quay.Team, grants []quay.Grant) {
	for _, grant := range grants {
		_, name, _ := strings.Cut(grant.Repository, "/")
		r.Grants = append(r.Grants, Grant{name, grant.Role, team.Name})
	}
	if team.Role != "member" {
		r.Grants = append(r.Grants, Grant{"*", quay.Role(team.Role), team.Name})
	}
}

func (r *reader) defaults(ctx context.Context) error {
	defaults, err := r.api.DefaultGrants(ctx, r.survey.Name)
	r.survey.Defaults = defaults // only this task uses it
	return r.lacks(partDefaults, federation.ScopeOrganization, err)
}

// log reads the exchanges of the last days.
func (r *reader) log(ctx context.Context) (err error) {
	since := r.now.UTC().AddDate(0, 0, -logDays).Truncate(24 * time.Hour)
	r.events, r.survey.LogSince, err = r.api.Log(ctx, r.survey.Name, since, logPages)
	return r.lacks(partLog, federation.ScopeOrganization, err)
}

// finish counts the exchanges, and orders the robots: first those of the organization.
func (r *reader) finish() {
	for _, event := range r.events {
		robot := r.robots[event.Robot]
		if robot == nil || event.Kind != "federated_robot_token_exchange" { // or deleted since
			continue
		}
		robot.Exchanges++
		if event.Time.After(robot.LastExchange) {
			robot.LastExchange = event.Time
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.robots)) {
		robot := r.robots[name]
		slices.SortFunc(robot.Grants, func(a, b Grant) int {
			return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Team, b.Team))
		})
		r.survey.Robots = append(r.survey.Robots, *robot)
	}
	slices.SortStableFunc(r.survey.Robots, func(a, b Robot) int {
		switch r.survey.Name {
		case b.Namespace:
			return map[bool]int{true: 0, false: 1}[a.Namespace == b.Namespace]
		case a.Namespace:
			return -1
		}
		return 0
	})
	slices.SortFunc(r.survey.Missing, func(a, b Missing) int { return cmp.Compare(a.Part, b.Part) })
}
