// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"strings"

	"quay-keyless/internal/quay"
)

// target is one login that the user wants, in good form.
type target struct {
	registry quay.Registry // with the namespace of its key, where that needs one
	robot    quay.Robot
	audience string
	checks   []quay.Permission
	// What a command to paste repeats: see [identityFlags.reach] and
	// [identityFlags.identity].
	reach, identity string
}

// targets reads what the user named: robots, each at its registry or at the
// command's, with the audiences and checks that are theirs. The robots' names
// come first: they are what people get wrong.
func (f *mintFlags) targets(registry string) ([]target, error) {
	if len(f.robots) == 0 {
		return nil, errors.New("no robot: name one with --robot ORG+NAME or QUAY_ROBOT")
	}
	targets := make([]target, len(f.robots))
	registries := make([]string, len(f.robots))
	for i, text := range f.robots {
		at, name := splitRobot(text)
		robot, err := quay.ParseRobot(name)
		if err != nil {
			return nil, err
		}
		targets[i].robot, registries[i] = robot, at
	}
	reach, identity := f.reach(), f.identity()
	for i, at := range registries {
		if at == "" {
			at = registry
		}
		parsed, err := quay.ParseRegistry(at)
		if err != nil {
			return nil, err
		}
		targets[i].registry, targets[i].reach, targets[i].identity = parsed, reach, identity
	}
	if err := spread(targets); err != nil {
		return nil, err
	}
	return targets, errors.Join(f.assignAudiences(targets), f.assignChecks(targets), f.checkRest())
}

// splitRobot takes the registry off HOST/ORG+NAME.
func splitRobot(text string) (registry, robot string) {
	owner, _, found := strings.Cut(text, "+")
	if slash := strings.LastIndex(owner, "/"); found && slash >= 0 {
		return text[:slash], text[slash+1:]
	}
	return "", text
}

// spread gives robots of several organizations on one registry a key for each
// organization, and refuses two logins under one key.
func spread(targets []target) error {
	onHost := map[string]int{}
	for _, t := range targets {
		onHost[t.registry.Host]++
	}
	keys := map[string]quay.Robot{}
	for i := range targets {
		t := &targets[i]
		if onHost[t.registry.Host] > 1 && t.registry.Namespace == "" {
			t.registry.Namespace = t.robot.Namespace
		}
		if other, taken := keys[t.registry.Key()]; taken {
			return fmt.Errorf("%s and %s are both for %s, where an auth file holds one login", other, t.robot, t.registry.Key())
		}
		keys[t.registry.Key()] = t.robot
	}
	return nil
}

// namespaced reports whether some host has logins for several organizations.
func namespaced(targets []target) bool {
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.registry.Host] {
			return true
		}
		seen[t.registry.Host] = true
	}
	return false
}

// assignAudiences reads AUDIENCE, for all, and HOST=AUDIENCE. What stands
// before a = counts as a host only where a target has it: audiences are often
// URLs.
func (f *identityFlags) assignAudiences(targets []target) error {
	var general []string
	special := map[string]string{}
	for _, text := range f.audiences {
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
		general = []string{defaultAudience}
	}
	for i, t := range targets {
		audience, ok := special[t.registry.Host]
		if !ok {
			audience = general[0]
		}
		if strings.TrimSpace(audience) == "" {
			return errors.New("the audience is empty")
		}
		targets[i].audience = audience
	}
	return nil
}

func hasHost(targets []target, name string) bool {
	for _, t := range targets {
		if strings.EqualFold(t.registry.Host, name) {
			return true
		}
	}
	return false
}

// assignChecks gives each check to the login that it is about: the only one, or
// the one that its registry and organization tell.
func (f *mintFlags) assignChecks(targets []target) error {
	for _, text := range f.check {
		at, rest := f.splitCheck(targets, text)
		permission, err := quay.ParsePermission(rest)
		if err != nil {
			return err
		}
		owner, _, _ := strings.Cut(permission.Repository, "/")
		var found []int
		for i, t := range targets {
			if len(targets) == 1 || (at == "" || t.registry.Host == at) && t.robot.Namespace == owner {
				found = append(found, i)
			}
		}
		if len(found) != 1 {
			return fmt.Errorf("check %q: it is about %d of the robots; write HOST/ORG/REPO, with the organization of one of them", text, len(found))
		}
		targets[found[0]].checks = append(targets[found[0]].checks, permission)
	}
	if len(f.check) > 0 && !f.verify {
		return errors.New("--check needs the proof that --verify=false leaves out")
	}
	return nil
}

// splitCheck takes the registry off HOST/ORG/REPO, where a target has it.
func (f *mintFlags) splitCheck(targets []target, text string) (registry, rest string) {
	at, rest, found := strings.Cut(text, "/")
	if found && strings.Contains(rest, "/") && hasHost(targets, at) {
		return strings.ToLower(at), rest
	}
	return "", text
}

// checkRest looks at what is the same for all.
func (f *identityFlags) checkRest() error {
	if f.timeout <= 0 {
		return fmt.Errorf("timeout %s: it must be more than nothing", f.timeout)
	}
	return nil
}
