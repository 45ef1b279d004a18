// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"quay-keyless/internal/quay"
)

// SetupFlags are the flags of setup.
type SetupFlags struct {
	EditFlags
	Grants             []string
	CreateRepositories bool
}

// ParseGrants reads --grant, each repository once.
func (f *SetupFlags) ParseGrants(robot quay.Robot) ([]quay.Grant, error) {
	var grants []quay.Grant
	seen := map[string]bool{}
	for _, text := range f.Grants {
		grant, err := quay.ParseGrant(text, robot)
		if err != nil {
			return nil, err
		}
		if seen[grant.Repository] {
			return nil, fmt.Errorf("grant %q: %s is named twice", text, grant.Repository)
		}
		seen[grant.Repository] = true
		grants = append(grants, grant)
	}
	return grants, nil
}

// Print is the plan as the result of --dry-run.
func (s *SetupPlan) Print() error {
	for _, step := range s.steps {
		if _, err := fmt.Fprintln(s.Run.Env.Stdout, s.Run.Secrets.Line(step.text)); err != nil {
			return err
		}
	}
	s.Run.Platform.Notice("nothing was sent: --dry-run")
	return nil
}

// Do carries out the steps, and prints each.
func (s *SetupPlan) Do(ctx context.Context) error {
	s.Run.Platform.Notice(fmt.Sprintf("plan for %s (+ to add, ~ to change, = there already):", s.Target.Registry.Host))
	todo, there := 0, 0
	for _, step := range s.steps {
		s.Run.Platform.Notice(step.text)
		switch {
		case step.do != nil:
			todo++
		case strings.HasPrefix(step.text, "= "): // others belong to the step before
			there++
		}
	}
	done := 0
	for _, step := range s.steps {
		if step.do == nil {
			continue
		}
		if err := step.do(ctx); err != nil {
			return s.stopped(err, step, done, todo)
		}
		done++
	}
	if todo == 0 {
		s.Run.Platform.Notice("nothing to change")
	} else {
		s.Run.Platform.Notice(fmt.Sprintf("done: %d changed, %d there already", done, there))
	}
	return nil
}

// stopped says how far Do got.
func (s *SetupPlan) stopped(err error, step setupStep, done, todo int) error {
	s.Run.Platform.Notice(fmt.Sprintf("stopped after %d of %d changes, at: %s; run the same command again to go on", done, todo, step.text))
	var known *RefusedAPI
	if errors.As(err, &known) {
		return err
	}
	return s.refused(step.scopes, err)
}
