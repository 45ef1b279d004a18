// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// setupStep is one thing that Quay must have. do creates it; nil if it is there.
type setupStep struct {
	text   string
	scopes string // that the API token needs for it
	do     func(context.Context) error
}

// SetupPlan is what a setup has to do. Planning only reads.
type SetupPlan struct {
	Run     *process.Run
	API     *quay.API
	Account *quay.Account
	Target  request.Target
	Flags   SetupFlags
	Entry   WantedEntry
	steps   []setupStep
}

// refused is an error of a request to the API that needs the scopes.
func (s *SetupPlan) refused(scopes string, err error) error {
	var lost *LostAudiences
	if errors.As(err, &lost) {
		return err
	}
	return &RefusedAPI{Target: s.Target, Scopes: scopes, All: s.scopes(), Err: err}
}

// scopes is what the API token needs for the whole setup.
func (s *SetupPlan) scopes() string {
	all := []string{ScopeOrganization}
	if len(s.Flags.Grants) > 0 {
		all = append(all, scopePermission)
	}
	if s.Flags.CreateRepositories {
		all = append(all, scopeCreate)
	}
	return strings.Join(all, " and ")
}

// Plan looks up robot, repositories, permissions and federation entries.
func (s *SetupPlan) Plan(ctx context.Context, grants []quay.Grant) error {
	change, err := s.Account.Plan(ctx, s.edit())
	var refusal *quay.Refusal
	missing := errors.As(err, &refusal) && refusal.Reason == quay.NoSuchRobot
	if err != nil && !missing {
		return s.refused(ScopeOrganization, err)
	}
	if missing {
		s.add("+ robot account "+s.Target.Robot.String(), ScopeOrganization, func(ctx context.Context) error {
			return s.Account.Create(ctx, "CI jobs, by quay-keyless")
		})
		change.Wanted = adds(nil, s.Entry)
	} else {
		s.add("= robot account "+s.Target.Robot.String(), "", nil)
	}
	for _, grant := range grants {
		if err := s.planGrant(ctx, grant, missing); err != nil {
			return err
		}
	}
	s.planEntry(change)
	return nil
}

func (s *SetupPlan) add(text, scopes string, do func(context.Context) error) {
	s.steps = append(s.steps, setupStep{text, scopes, do})
}

func (s *SetupPlan) edit() quay.Edit {
	return guard(s.Target, s.Flags.dropAudiences, func(stored quay.Entries) quay.Entries { return adds(stored, s.Entry) })
}

// planGrant plans a repository and the robot's role on it. It never lowers a role.
func (s *SetupPlan) planGrant(ctx context.Context, grant quay.Grant, newRobot bool) error {
	repository, err := s.API.Repository(ctx, grant.Repository)
	exists := repository != nil
	var role quay.Role
	if exists && !newRobot && err == nil {
		role, err = s.API.Role(ctx, s.Target.Robot, grant.Repository)
	}
	if err != nil {
		return s.refused(scopePermission, err)
	}
	switch {
	case !exists && !s.Flags.CreateRepositories:
		return &noRepository{target: s.Target, repository: grant.Repository}
	case !exists:
		s.add("+ private repository "+grant.Repository, scopeCreate, func(ctx context.Context) error {
			return s.API.CreateRepository(ctx, grant.Repository)
		})
	}
	wanted := fmt.Sprintf("permission %s on %s", grant.Role, grant.Repository)
	give := func(ctx context.Context) error { return s.API.Grant(ctx, s.Target.Robot, grant) }
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
func (s *SetupPlan) planEntry(change quay.Change) {
	entry := s.Entry
	save := func(ctx context.Context) error {
		change, err := s.Account.EditFederation(ctx, s.edit())
		return judge(s.Run, s.Target, entry, s.Flags.dropAudiences, change, err)
	}
	differences := append(change.Differences(), lossesIn(change)...)
	if len(change.Differences()) == 0 {
		s.add(fmt.Sprintf("= federation entry: issuer %s, subject %s", entry.issuer, entry.subject), "", nil)
		warnOfAudience(s.Run, s.Target, entry, change)
		return
	}
	for i, d := range differences {
		text := d.String()
		step := setupStep{text: text[:2] + "federation entry: " + text[2:], scopes: ScopeOrganization}
		if i == 0 {
			step.do = save // one request for all
		}
		s.steps = append(s.steps, step)
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

// Hints say what to do about it.
func (n *noRepository) Hints() []string {
	return []string{"is the name right? To create it as a private repository: --create-repositories"}
}

// Unwrap is the cause.
func (n *noRepository) Unwrap() error {
	return &quay.Refusal{Host: n.target.Registry.Host, Status: http.StatusNotFound}
}
