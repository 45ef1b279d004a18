// SPDX-License-Identifier: Apache-2.0

// Package request reads what the user asked for: flags, their environment variables, and
// the registries and robots that they name.
package request

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/quay"
)

// Target is one login that the user wants, checked.
type Target struct {
	Registry quay.Registry // with a namespace if its key needs one
	Robot    quay.Robot
	Audience string
	Checks   []quay.Permission
	// Flags that a suggested command must repeat: see [IdentityFlags.Reach] and
	// identity.
	Reach, Identity string
}

// Targets reads the robots, each with its registry, audience and checks.
func (f *ExchangeFlags) Targets(registry string) ([]Target, error) {
	if len(f.Robots) == 0 {
		return nil, errors.New("no robot: name one with --robot ORG+NAME or QUAY_ROBOT")
	}
	targets := make([]Target, len(f.Robots))
	for i, text := range f.Robots {
		at, name := splitRobot(text)
		robot, err := quay.ParseRobot(name)
		if err != nil { // before the registry, because users get it wrong most often
			return nil, err
		}
		parsed, err := quay.ParseRegistry(cmp.Or(at, registry))
		if err != nil {
			return nil, err
		}
		if parsed.Namespace != "" && parsed.Namespace != robot.Namespace {
			return nil, fmt.Errorf("%s does not belong to %s: write %s", robot, parsed.Key(), parsed.Host)
		}
		targets[i] = Target{Registry: parsed, Robot: robot, Reach: f.Reach(), Identity: f.identity()}
	}
	if err := spread(targets); err != nil {
		return nil, err
	}
	return targets, errors.Join(f.AssignAudiences(targets), f.assignChecks(targets))
}

func splitRobot(text string) (registry, robot string) {
	owner, _, found := strings.Cut(text, "+")
	if slash := strings.LastIndex(owner, "/"); found && slash >= 0 {
		return text[:slash], text[slash+1:]
	}
	return "", text
}

// spread gives robots of several organizations on one registry a key HOST/ORG each, and
// refuses two logins under one key.
func spread(targets []Target) error {
	several := Namespaced(targets)
	keys := map[string]quay.Robot{}
	for i := range targets {
		t := &targets[i]
		if several[t.Registry.Host] && t.Registry.Namespace == "" {
			t.Registry.Namespace = t.Robot.Namespace
		}
		if other, taken := keys[t.Registry.Key()]; taken {
			return fmt.Errorf("%s and %s need the same key: an auth file holds one login for %s", other, t.Robot, t.Registry.Key())
		}
		keys[t.Registry.Key()] = t.Robot
	}
	return nil
}

// Namespaced are the hosts with logins for several organizations.
func Namespaced(targets []Target) map[string]bool {
	seen, several := map[string]bool{}, map[string]bool{}
	for _, t := range targets {
		if seen[t.Registry.Host] {
			several[t.Registry.Host] = true
		}
		seen[t.Registry.Host] = true
	}
	return several
}

// AssignAudiences reads AUDIENCE, for all targets, and HOST=AUDIENCE. HOST counts only
// if a target has it, because audiences are often URLs.
func (f *IdentityFlags) AssignAudiences(targets []Target) error {
	var general []string
	special := map[string]string{}
	for _, text := range f.Audiences {
		if at, audience, found := strings.Cut(text, "="); found && hasHost(targets, at) {
			special[strings.ToLower(at)] = audience
		} else {
			general = append(general, text)
		}
	}
	if len(general) > 1 {
		return fmt.Errorf("several audiences, %s: for one registry write HOST=AUDIENCE", strings.Join(general, " and "))
	}
	for i, t := range targets {
		audience, ok := special[t.Registry.Host]
		if !ok {
			audience = append(general, DefaultAudience)[0]
		}
		if strings.TrimSpace(audience) == "" {
			return errors.New("the audience is empty")
		}
		targets[i].Audience = audience
	}
	return nil
}

func hasHost(targets []Target, name string) bool {
	return slices.ContainsFunc(targets, func(t Target) bool { return strings.EqualFold(t.Registry.Host, name) })
}

// assignChecks gives each check, [HOST/]ORG/REPO[:ACCESS], to its login: the only one, or that
// of its registry and organization.
func (f *ExchangeFlags) assignChecks(targets []Target) error {
	for _, text := range f.check {
		at, rest, found := strings.Cut(text, "/")
		if !found || !strings.Contains(rest, "/") || !hasHost(targets, at) {
			at, rest = "", text
		}
		permission, err := quay.ParsePermission(rest)
		if err != nil {
			return err
		}
		owner, _, _ := strings.Cut(permission.Repository, "/")
		var about []*Target
		for i, t := range targets {
			if len(targets) == 1 || (at == "" || strings.EqualFold(t.Registry.Host, at)) && t.Robot.Namespace == owner {
				about = append(about, &targets[i])
			}
		}
		if len(about) != 1 {
			return fmt.Errorf("--check %q matches %d robots: write HOST/ORG/REPO, with the organization of one robot", text, len(about))
		}
		about[0].Checks = append(about[0].Checks, permission)
	}
	if len(f.check) > 0 && !f.Verify {
		return errors.New("--check cannot be used with --verify=false")
	}
	return nil
}
