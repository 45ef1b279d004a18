// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
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

	survey *Survey
	steps  []step
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
	todo, removals := 0, 0
	for _, step := range s.steps {
		if step.do != nil {
			todo++
		}
		if step.sign == "-" {
			removals++
		}
	}
	if s.Flags.DryRun {
		return todo > 0, s.print()
	}
	s.Run.Platform.Notice(fmt.Sprintf("plan for %s (+ to add, ~ to change, = there already):", s.Target.Registry.Host))
	for _, step := range s.steps {
		if step.sign != "=" || s.Entry != nil {
			s.Run.Platform.Notice(step.line(s.Entry == nil))
		}
	}
	if err := s.confirm(ctx, removals); err != nil {
		return false, err
	}
	if todo == 0 {
		s.Run.Platform.Notice("nothing to change")
		return false, nil
	}
	return true, s.carryOut(ctx, todo)
}

// print is the plan as the result of --dry-run.
func (s *Setup) print() error {
	for _, step := range s.steps {
		if step.sign == "=" && s.Entry == nil {
			continue
		}
		if _, err := fmt.Fprintln(s.Run.Env.Stdout, s.Run.Secrets.Line(step.line(s.Entry == nil))); err != nil {
			return err
		}
	}
	s.Run.Platform.Notice("nothing was sent: --dry-run")
	return nil
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

// carryOut does the steps. With several robots the repositories come first, and what is
// removed last; in between, four robots are changed at once.
func (s *Setup) carryOut(ctx context.Context, todo int) error {
	var mu sync.Mutex
	done, failed := 0, step{}
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
	for _, group := range s.groups() {
		var tasks []task
		for _, steps := range group {
			tasks = append(tasks, func(ctx context.Context) error {
				for _, at := range steps {
					if at.do == nil {
						continue
					}
					if err := do(ctx, at); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := each(ctx, tasks); err != nil {
			return s.stopped(err, failed, done, todo)
		}
	}
	there := 0
	for _, step := range s.steps {
		if step.sign == "=" {
			there++
		}
	}
	s.Run.Platform.Notice(fmt.Sprintf("done: %d changed, %d there already", done, there))
	return nil
}

// groups are steps that must be done one group after the other, and in a group the lists
// that can be done at the same time.
func (s *Setup) groups() [][][]step {
	if len(s.File.Robots) == 1 && !s.Flags.Prune {
		return [][][]step{{s.steps}}
	}
	var first, last []step
	var robots [][]step
	for _, at := range s.steps {
		switch n := len(robots) - 1; {
		case at.robot.Name == "":
			first = append(first, at)
		case at.sign == "-" && at.do != nil && !strings.HasPrefix(at.text, "federation entry"):
			last = append(last, at)
		case n < 0 || robots[n][0].robot != at.robot:
			robots = append(robots, []step{at})
		default:
			robots[n] = append(robots[n], at)
		}
	}
	return [][][]step{{first}, robots, {last}}
}

// stopped says how far the setup got.
func (s *Setup) stopped(err error, step step, done, todo int) error {
	s.Run.Platform.Notice(fmt.Sprintf("stopped after %d of %d changes, at: %s; run the same command again to go on", done, todo, step.line(s.Entry == nil)))
	var known *federation.RefusedAPI
	if errors.As(err, &known) {
		return err
	}
	err = s.refused(step.scopes, err)
	if errors.As(err, &known) && step.robot.Name != "" {
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

// ReadFile reads the file that -f names.
func (f *SetupFlags) ReadFile(ctx context.Context, run *process.Run) (*File, error) {
	if len(f.Grants) > 0 || f.Flags.Check() == nil {
		return nil, errors.New("-f FILE and flags name robots twice: one of them is enough")
	}
	if f.File == "-" {
		text, err := idtoken.Await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(run.Env.Stdin, 4<<20)) })
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
