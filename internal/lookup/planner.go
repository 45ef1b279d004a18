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
	keys  []Key
	plan  Plan
}

// follow reads what some tools read, up to the file that the login goes to.
func (b *planner) follow(r reader) {
	for i, path := range r.paths {
		file, found, err := look(path, b.place.Trust)
		at := -1
		if file != nil {
			path = file.Path()
			at = b.index(path)
		}
		target := at >= 0 || i == len(r.paths)-1 || found.answers(b.keys)
		if target && file != nil {
			at = b.target(file)
			b.plan.Files[at].tools = append(b.plan.Files[at].tools, r.tools...)
			if r.image {
				b.plan.Files[at].Besides = found.besides(b.keys)
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

// index is the position of a file in the plan, -1 if it is not there.
func (b *planner) index(path string) int {
	return slices.IndexFunc(b.plan.Files, func(t Target) bool { return t.File.Path() == path })
}

// target adds a file. One that is named in two ways is one.
func (b *planner) target(file *authfile.File) int {
	if i := b.index(file.Path()); i >= 0 {
		return i
	}
	b.plan.Files = append(b.plan.Files, Target{File: file})
	return len(b.plan.Files) - 1
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
