// SPDX-License-Identifier: Apache-2.0

// Package request reads what the user asked for: flags, their environment variables, and
// the registries and robots that they name.
package request

import (
	"errors"
	"fmt"
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

// Targets reads the robots, each with its registry, audience and checks. It reads
// robots' names first: users get them wrong most often.
func (f *ExchangeFlags) Targets(registry string) ([]Target, error) {
	if len(f.Robots) == 0 {
		return nil, errors.New("no robot: name one with --robot ORG+NAME or QUAY_ROBOT")
	}
	targets := make([]Target, len(f.Robots))
	registries := make([]string, len(f.Robots))
	for i, text := range f.Robots {
		at, name := splitRobot(text)
		robot, err := quay.ParseRobot(name)
		if err != nil {
			return nil, err
		}
		targets[i].Robot, registries[i] = robot, at
	}
	reach, identity := f.Reach(), f.identity()
	for i, at := range registries {
		if at == "" {
			at = registry
		}
		parsed, err := quay.ParseRegistry(at)
		if err != nil {
			return nil, err
		}
		if robot := targets[i].Robot; parsed.Namespace != "" && parsed.Namespace != robot.Namespace {
			return nil, fmt.Errorf("%s is for %s, and %s is a robot account of %s: name %s", parsed.Key(), parsed.Namespace, robot, robot.Namespace, parsed.Host)
		}
		targets[i].Registry, targets[i].Reach, targets[i].Identity = parsed, reach, identity
	}
	if err := spread(targets); err != nil {
		return nil, err
	}
	return targets, errors.Join(f.AssignAudiences(targets), f.assignChecks(targets), f.CheckRest())
}

// splitRobot cuts the registry from HOST/ORG+NAME.
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
	onHost := map[string]int{}
	for _, t := range targets {
		onHost[t.Registry.Host]++
	}
	keys := map[string]quay.Robot{}
	for i := range targets {
		t := &targets[i]
		if onHost[t.Registry.Host] > 1 && t.Registry.Namespace == "" {
			t.Registry.Namespace = t.Robot.Namespace
		}
		if other, taken := keys[t.Registry.Key()]; taken {
			return fmt.Errorf("%s and %s are both for %s, where an auth file holds one login", other, t.Robot, t.Registry.Key())
		}
		keys[t.Registry.Key()] = t.Robot
	}
	return nil
}

// Namespaced reports whether some host has logins for several organizations.
func Namespaced(targets []Target) bool {
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Registry.Host] {
			return true
		}
		seen[t.Registry.Host] = true
	}
	return false
}

// AssignAudiences reads AUDIENCE, for all targets, and HOST=AUDIENCE. HOST counts only
// if a target has it, because audiences are often URLs.
func (f *IdentityFlags) AssignAudiences(targets []Target) error {
	var general []string
	special := map[string]string{}
	for _, text := range f.Audiences {
		at, audience, found := strings.Cut(text, "=")
		if found && hasHost(targets, at) {
			special[strings.ToLower(at)] = audience
		} else {
			general = append(general, text)
		}
	}
	switch {
	case len(general) > 1:
		return fmt.Errorf("several audiences, %s: for one registry write HOST=AUDIENCE", strings.Join(general, " and "))
	case len(general) == 0:
		general = []string{DefaultAudience}
	}
	for i, t := range targets {
		audience, ok := special[t.Registry.Host]
		if !ok {
			audience = general[0]
		}
		if strings.TrimSpace(audience) == "" {
			return errors.New("the audience is empty")
		}
		targets[i].Audience = audience
	}
	return nil
}

func hasHost(targets []Target, name string) bool {
	for _, t := range targets {
		if strings.EqualFold(t.Registry.Host, name) {
			return true
		}
	}
	return false
}

// assignChecks gives each check to its login: the only one, or that of its registry and
// organization.
func (f *ExchangeFlags) assignChecks(targets []Target) error {
	for _, text := range f.check {
		at, rest := f.splitCheck(targets, text)
		permission, err := quay.ParsePermission(rest)
		if err != nil {
			return err
		}
		owner, _, _ := strings.Cut(permission.Repository, "/")
		var found []int
		for i, t := range targets {
			if len(targets) == 1 || (at == "" || t.Registry.Host == at) && t.Robot.Namespace == owner {
				found = append(found, i)
			}
		}
		if len(found) != 1 {
			return fmt.Errorf("check %q: it is about %d of the robots; write HOST/ORG/REPO, with the organization of one of them", text, len(found))
		}
		targets[found[0]].Checks = append(targets[found[0]].Checks, permission)
	}
	if len(f.check) > 0 && !f.Verify {
		return errors.New("--check needs the proof that --verify=false leaves out")
	}
	return nil
}

// splitCheck cuts the registry from HOST/ORG/REPO, if a target has it.
func (f *ExchangeFlags) splitCheck(targets []Target, text string) (registry, rest string) {
	at, rest, found := strings.Cut(text, "/")
	if found && strings.Contains(rest, "/") && hasHost(targets, at) {
		return strings.ToLower(at), rest
	}
	return "", text
}

// CheckRest checks what all targets share.
func (f *IdentityFlags) CheckRest() error {
	if f.Timeout <= 0 {
		return fmt.Errorf("timeout %s: it must be more than nothing", f.Timeout)
	}
	return nil
}

// Keys are the targets' keys in an auth file.
func Keys(targets []Target) []string {
	var list []string
	for _, t := range targets {
		list = append(list, t.Registry.Key())
	}
	return list
}
