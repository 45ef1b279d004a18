// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// SetupFlags are the flags of setup.
type SetupFlags struct {
	federation.EditFlags
	Grants               []string
	File                 string
	CreateRepositories   bool
	Prune, Yes, ExitCode bool
}

// Setup makes Quay as a file says.
type Setup struct {
	Run    *process.Run
	API    *quay.API
	Target request.Target
	Flags  SetupFlags
	File   *File
	// Entry is the one that flags name, if the file was made from flags. Those say what a
	// robot must have, and not all that it may have.
	Entry *federation.WantedEntry

	survey         *Survey
	dropsAudiences bool // as Survey.dropsAudiences, by any robot of the organization
	steps          []step
}

// ParseGrants reads --grant, each repository once.
func (f *SetupFlags) ParseGrants(robot quay.Robot) ([]quay.Grant, error) {
	var grants []quay.Grant
	for _, text := range f.Grants {
		grant, err := quay.ParseGrant(text, robot)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(grants, func(g quay.Grant) bool { return g.Repository == grant.Repository }) {
			return nil, fmt.Errorf("grant %q: %s is named twice", text, grant.Repository)
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

// refused is an error of a request to the API that needs the scopes.
func (s *Setup) refused(scopes string, err error) error {
	var lost *federation.LostAudiences
	if errors.As(err, &lost) {
		return err
	}
	all := []string{federation.ScopeOrganization}
	if slices.ContainsFunc(s.File.Robots, func(w Wanted) bool { return len(w.Grants) > 0 }) {
		all = append(all, federation.ScopePermission)
	}
	if s.Flags.CreateRepositories {
		all = append(all, federation.ScopeCreate)
	}
	return &federation.RefusedAPI{Target: s.Target, Scopes: scopes, All: strings.Join(all, " and "), Err: err}
}

// Do plans and, unless --dry-run, carries the plan out. It reports whether the plan changes
// something.
func (s *Setup) Do(ctx context.Context) (changes bool, err error) {
	if err := s.plan(ctx); err != nil {
		return false, err
	}
	say := func(text string) error { s.Run.Platform.Notice(text); return nil }
	if s.Flags.DryRun {
		say = func(text string) error {
			_, err := fmt.Fprintln(s.Run.Env.Stdout, s.Run.Secrets.Line(text))
			return err
		}
	} else {
		s.Run.Platform.Notice(fmt.Sprintf("plan for %s (+ to add, ~ to change, = there already):", s.Target.Registry.Host))
	}
	todo, removals := 0, 0
	for _, step := range s.steps {
		if step.do != nil {
			todo++
		}
		if step.sign == "-" {
			removals++
		}
		if step.sign == "=" && s.Entry == nil {
			continue
		}
		if err := say(s.line(step)); err != nil {
			return false, err
		}
	}
	switch {
	case s.Flags.DryRun:
		s.Run.Platform.Notice("nothing was sent: --dry-run")
		return todo > 0, nil
	case todo == 0:
		s.Run.Platform.Notice("nothing to change")
		return false, nil
	}
	if err := s.confirm(ctx, removals); err != nil {
		return false, err
	}
	return true, s.carryOut(ctx, todo)
}

// errUnconfirmed is for removals that nobody agreed to.
var errUnconfirmed = errors.New("nothing was sent: without a terminal to ask at, --prune needs --yes to remove something")

// confirm asks before something is removed.
func (s *Setup) confirm(ctx context.Context, removals int) error {
	if removals == 0 || s.Flags.Yes || !s.Flags.Prune {
		return nil
	}
	yes, err := process.Confirm(ctx, s.Run.Env, fmt.Sprintf("Remove %d of these from %s? [y/N] ", removals, s.Target.Registry.Host))
	switch {
	case err != nil:
		return &request.UsageError{Err: errUnconfirmed}
	case !yes:
		return &request.UsageError{Err: errors.New("nothing was sent: you did not agree")}
	}
	return nil
}

// carryOut does the steps, phase by phase. In each, four robots are changed at once.
func (s *Setup) carryOut(ctx context.Context, todo int) error {
	var mu sync.Mutex
	done, there, failed := 0, 0, step{}
	defer s.API.WaitFor(func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("to change %s, %d of %d changes done", s.File.Organization, done, todo)
	})()
	do := func(ctx context.Context, at step) error {
		err := at.do(ctx)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			done++
		case failed.do == nil: // the others end because of this one
			failed = at
		}
		return err
	}
	for phase := range phases {
		robots := map[quay.Robot]task{}
		for _, at := range s.steps {
			if at.phase == phase && at.do != nil {
				before := robots[at.robot]
				robots[at.robot] = func(ctx context.Context) error {
					if before != nil {
						if err := before(ctx); err != nil {
							return err
						}
					}
					return do(ctx, at)
				}
			}
			if phase == 0 && at.sign == "=" {
				there++
			}
		}
		if err := each(ctx, slices.Collect(maps.Values(robots))); err != nil {
			return s.stopped(err, failed, done, todo)
		}
	}
	s.Run.Platform.Notice(fmt.Sprintf("done: %d changed, %d there already", done, there))
	return nil
}

// stopped says how far the setup got.
func (s *Setup) stopped(err error, step step, done, todo int) error {
	s.Run.Platform.Notice(fmt.Sprintf("stopped after %d of %d changes, at: %s; run the same command again to go on", done, todo, s.line(step)))
	var known *federation.RefusedAPI
	if errors.As(err, &known) {
		return err
	}
	err = s.refused(step.scopes, err)
	if errors.As(err, &known) {
		known.Target.Robot = step.robot
	}
	return err
}

// gone accepts that somebody else has deleted the robot.
func gone(err error) error {
	var refusal *quay.Refusal
	if errors.As(err, &refusal) && refusal.Reason == quay.NoSuchRobot {
		return nil
	}
	return err
}

// maxFile limits standard input as process limits files. A part of a file would prune the
// rest.
const maxFile = 4 << 20

// ReadFile reads the file that -f names.
func (f *SetupFlags) ReadFile(ctx context.Context, run *process.Run) (*File, error) {
	if len(f.Grants) > 0 || f.Flags.Check() == nil {
		return nil, errors.New("-f FILE and flags name robots twice: one of them is enough")
	}
	if f.File == "-" {
		text, err := io.ReadAll(io.LimitReader(run.Env.Input(ctx), maxFile+1))
		if err == nil && len(text) > maxFile {
			err = fmt.Errorf("it has more than %d bytes", maxFile)
		}
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return Parse("standard input", text)
	}
	text, err := run.Env.ReadFile(ctx, f.File)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return Parse(f.File, text)
}
