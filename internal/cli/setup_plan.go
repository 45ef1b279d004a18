// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/quay"
)

// setupStep is one thing that must be so. Do makes it so, and is nil where it is.
type setupStep struct {
	text   string
	scopes string // what the API token needs for it
	do     func(context.Context) error
}

// setupPlan is what a setup has to do. Planning only reads.
type setupPlan struct {
	app     *app
	api     *quay.API
	account *quay.Account
	target  target
	flags   setupFlags
	entry   wantedEntry
	steps   []setupStep
}

// refused is an error of the API while something was asked that needs the
// scopes.
func (s *setupPlan) refused(scopes string, err error) error {
	var lost *lostAudiences
	if errors.As(err, &lost) {
		return err
	}
	return &refusedAPI{target: s.target, scopes: scopes, all: s.scopes(), err: err}
}

// scopes is what the API token needs for all of the setup.
func (s *setupPlan) scopes() string {
	all := []string{scopeOrganization}
	if len(s.flags.grants) > 0 {
		all = append(all, scopePermission)
	}
	if s.flags.createRepositories {
		all = append(all, scopeCreate)
	}
	return strings.Join(all, " and ")
}

// plan finds out what is there: robot, repositories, permissions, federation.
func (s *setupPlan) plan(ctx context.Context, grants []quay.Grant) error {
	change, err := s.account.Plan(ctx, s.edit())
	var refusal *quay.Refusal
	missing := errors.As(err, &refusal) && refusal.Reason == quay.NoSuchRobot
	if err != nil && !missing {
		return s.refused(scopeOrganization, err)
	}
	if missing {
		s.add("+ robot account "+s.target.robot.String(), scopeOrganization, func(ctx context.Context) error {
			return s.account.Create(ctx, "CI jobs, by quay-keyless")
		})
		change.Wanted = adds(nil, s.entry)
	} else {
		s.add("= robot account "+s.target.robot.String(), "", nil)
	}
	for _, grant := range grants {
		if err := s.planGrant(ctx, grant, missing); err != nil {
			return err
		}
	}
	s.planEntry(change)
	return nil
}

func (s *setupPlan) add(text, scopes string, do func(context.Context) error) {
	s.steps = append(s.steps, setupStep{text, scopes, do})
}

func (s *setupPlan) edit() quay.Edit {
	return guard(s.target, s.flags.dropAudiences, func(stored quay.Entries) quay.Entries { return adds(stored, s.entry) })
}

// planGrant is a repository with the robot's role on it. A role that the robot
// has and that allows more is left to it.
func (s *setupPlan) planGrant(ctx context.Context, grant quay.Grant, newRobot bool) error {
	exists, err := s.api.RepositoryExists(ctx, grant.Repository)
	var role quay.Role
	if exists && !newRobot && err == nil {
		role, err = s.api.Role(ctx, s.target.robot, grant.Repository)
	}
	if err != nil {
		return s.refused(scopePermission, err)
	}
	switch {
	case !exists && !s.flags.createRepositories:
		return &noRepository{target: s.target, repository: grant.Repository}
	case !exists:
		s.add("+ private repository "+grant.Repository, scopeCreate, func(ctx context.Context) error {
			return s.api.CreateRepository(ctx, grant.Repository)
		})
	}
	wanted := fmt.Sprintf("permission %s on %s", grant.Role, grant.Repository)
	give := func(ctx context.Context) error { return s.api.Grant(ctx, s.target.robot, grant) }
	switch {
	case role == "":
		s.add("+ "+wanted, scopePermission, give)
	case role == grant.Role:
		s.add("= "+wanted, "", nil)
	case role.Includes(grant.Role):
		s.add(fmt.Sprintf("= %s, by the permission %s", wanted, role), "", nil)
	default:
		s.add(fmt.Sprintf("~ %s, in place of %s", wanted, role), scopePermission, give)
	}
	return nil
}

// planEntry is the federation entry.
func (s *setupPlan) planEntry(change quay.Change) {
	entry := s.entry
	save := func(ctx context.Context) error {
		change, err := s.account.EditFederation(ctx, s.edit())
		return s.app.judge(s.target, entry, s.flags.dropAudiences, change, err)
	}
	differences := append(change.Differences(), lossesIn(change)...)
	if len(change.Differences()) == 0 {
		s.add(fmt.Sprintf("= federation entry: issuer %s, subject %s", entry.issuer, entry.subject), "", nil)
		s.app.warnOfAudience(s.target, entry, change)
		return
	}
	for i, d := range differences {
		text := d.String()
		step := setupStep{text: text[:2] + "federation entry: " + text[2:], scopes: scopeOrganization}
		if i == 0 {
			step.do = save // one request for all
		}
		s.steps = append(s.steps, step)
	}
}

// noRepository is a repository that the user did not ask to make.
type noRepository struct {
	target     target
	repository string
}

func (n *noRepository) Error() string {
	return fmt.Sprintf("%s has no repository %s; nothing was changed", n.target.registry.Host, n.repository)
}

// Unwrap is what Quay answered.
// Hints say what to do about it.
func (n *noRepository) Hints() []string {
	return []string{"is the name right? To create it as a private repository: --create-repositories"}
}

func (n *noRepository) Unwrap() error {
	return &quay.Refusal{Host: n.target.registry.Host, Status: http.StatusNotFound}
}
