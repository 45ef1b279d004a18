// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"slices"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// planner makes a plan for keys.
type planner struct {
	place Place
	keys  keys
	plan  Plan
}

// follow reads what some tools read, up to the file that the login goes to.
func (b *planner) follow(r reader) {
	for i, path := range r.paths {
		file, found, err := look(path, b.place.Trust)
		target := i == len(r.paths)-1 || found.answers(b.keys)
		if file != nil {
			path = file.Path()
			target = target || b.planned(path) != nil
		}
		if target && file != nil {
			t := b.target(file)
			t.tools = append(t.tools, r.tools...)
			if r.image {
				t.Besides = found.besides(b.keys)
			}
			b.unusable(path, file.Check(), true)
		}
		b.unusable(path, err, r.image)
		if _, text := found.store.(string); found.store != nil && !text && !r.image {
			err := errors.New(`docker, crane and helm cannot read it, because its "credsStore" is not text`)
			b.conflict(Conflict{Kind: Unusable, Path: path, Tools: r.tools, Err: &authfile.Error{Path: path, Err: err}})
		}
		for _, c := range found.conflicts(b.keys, target, r) {
			c.Path = path
			b.conflict(c)
		}
		if target {
			return
		}
	}
}

// planned is the file at path in the plan, nil if it is not there.
func (b *planner) planned(path string) *Target {
	for i := range b.plan.Files {
		if t := &b.plan.Files[i]; t.File.Path() == path {
			return t
		}
	}
	return nil
}

// target adds a file. One that is named in two ways is one.
func (b *planner) target(file *authfile.File) *Target {
	if b.planned(file.Path()) == nil {
		b.plan.Files = append(b.plan.Files, Target{File: file})
	}
	return b.planned(file.Path())
}

// open adds the file at path if it can be written. If tools would stop at it,
// [planner.follow] says so.
func (b *planner) open(path string) {
	if file, err := authfile.Open(path, b.place.Trust); err == nil && file.Check() == nil {
		b.target(file)
	}
}

func (b *planner) export(name, value string) {
	b.plan.Exports = append(b.plan.Exports, platform.Variable{Name: name, Value: value})
}

// unusable adds the conflict of a file with err, if there is one.
func (b *planner) unusable(path string, err error, fatal bool) {
	if err != nil {
		b.conflict(Conflict{Kind: Unusable, Path: path, Fatal: fatal, Err: err})
	}
}

// conflict adds c once. The tools whose conflicts are fatal are followed first.
func (b *planner) conflict(c Conflict) {
	for i, known := range b.plan.Conflicts {
		if known.Kind == c.Kind && known.Path == c.Path && known.Key == c.Key {
			b.plan.Conflicts[i].Tools = slices.Concat(known.Tools, c.Tools)
			return
		}
	}
	b.plan.Conflicts = append(b.plan.Conflicts, c)
}

// name names the keys in each file. In docker's file a login for HOST/ORG is one for HOST,
// because docker's tools look for nothing else, and pick one of several HOST/ORG at random.
// If HOST has another login there, docker's tools keep that. Only if podman reads the same
// file, it gets ours under HOST/ORG.
func (b *planner) name(docker string, found logins) {
	file, _ := authfile.Open(docker, b.place.Trust)
	for i := range b.plan.Files {
		t := &b.plan.Files[i]
		for _, key := range b.keys {
			name := key.String()
			if key.Org != "" && file != nil && t.File.Path() == file.Path() {
				name = b.dockerName(key, found, t)
			}
			t.Names = append(t.Names, name)
		}
	}
}

func (b *planner) dockerName(key Key, found logins, t *Target) string {
	entry, taken := found.auths[key.Host]
	several := slices.ContainsFunc(b.keys, func(other Key) bool { return other.Host == key.Host && other != key })
	if taken = taken && entry.whole; !several && (!taken || entry.user == key.Robot) {
		return key.Host
	}
	if taken {
		b.conflict(Conflict{Kind: OtherLogin, Path: t.File.Path(), Key: key.Host, Tools: dockers.tools})
	}
	if slices.ContainsFunc(t.tools, func(tool string) bool { return slices.Contains(images.tools, tool) }) {
		return key.String()
	}
	return ""
}
