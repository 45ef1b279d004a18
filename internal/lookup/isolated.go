// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// Isolated makes every tool read only this folder, which may be missing: docker's tools
// its config.json, podman, buildah and skopeo its auth.json. New files start as copies of
// what tools see now.
//
// The error is an [*authfile.Error] with the reason [SymlinkLoop] or [BadPath].
func (p Place) Isolated(folder string, in Inherit, keys ...Key) (Plan, error) {
	resolved, err := authfile.Resolve(folder)
	if err != nil {
		return Plan{}, err
	}
	b := planner{place: p, keys: keys}
	docker, containers := filepath.Join(resolved, "config.json"), filepath.Join(resolved, "auth.json")
	b.open(docker)
	b.open(containers)
	b.follow(images.of(containers))
	b.follow(dockers.of(docker))
	b.export("DOCKER_CONFIG", resolved)
	b.export("REGISTRY_AUTH_FILE", containers)
	if p.Getenv("DOCKER_AUTH_CONFIG") != "" {
		b.export("DOCKER_AUTH_CONFIG", "") // docker and crane prefer it to every file
	}
	b.elsewhere("")
	before := p.outside(resolved)
	_, found, _ := look(docker, p.Trust)
	var seen logins
	if in.On {
		seen = b.dockerSees(before, in)
		if len(found.auths) == 0 {
			found = seen
		}
	}
	b.name(docker, found)
	b.plan.Folder = p.around(resolved, b.plan.Exports, in)
	for i := range b.plan.Files {
		t := &b.plan.Files[i]
		image := t.File.Path() != docker
		start := authfile.Start{Text: []byte("{\n\t\"auths\": {}\n}\n")}
		switch {
		case t.File.Isolated() != nil: // an earlier login copied
		case in.On && image:
			start = b.start(t, b.containersSee(before, in), true)
		case in.On:
			start = b.start(t, seen, false)
		}
		start.Folder, start.Drop = b.plan.Folder, b.keys.drop(image)
		t.File.Start = start
		b.withoutDropped(t.File, start.Drop)
	}
	return b.plan, nil
}

// withoutDropped removes the conflicts with what an earlier login copied.
func (b *planner) withoutDropped(file *authfile.File, drop func(authfile.Copy) bool) {
	copied := file.Copied()
	b.plan.Conflicts = slices.DeleteFunc(b.plan.Conflicts, func(c Conflict) bool {
		return c.Path == file.Path() && slices.ContainsFunc(copied, func(copied authfile.Copy) bool {
			return drop(copied) && (c.Kind == NarrowerKey && c.Key == copied.Key || c.Kind == OtherHelper && copied.Helper)
		})
	})
}

// outside is p without the variables that name this folder, or a file in it.
func (p Place) outside(folder string) Place {
	getenv := p.Getenv
	p.Getenv = func(name string) string {
		value := getenv(name)
		path := value
		switch {
		case value == "":
			return ""
		case name == "DOCKER_CONFIG":
			path = filepath.Join(value, "config.json")
		case name != "REGISTRY_AUTH_FILE":
			return value
		}
		if file, err := authfile.Open(path, p.Trust); err == nil && filepath.Dir(file.Path()) == folder {
			return ""
		}
		return value
	}
	return p
}

// around is the folder of an isolated login. Variables that name it already, as on GitLab,
// stay, unless we chose it.
func (p Place) around(path string, exports []platform.Variable, in Inherit) *authfile.Folder {
	f := &authfile.Folder{Path: path, Before: map[string]*string{}}
	before := p.outside(path)
	for _, v := range exports {
		was := p.Getenv(v.Name)
		switch named := was != before.Getenv(v.Name); {
		case v.Value == "": // DOCKER_AUTH_CONFIG holds logins, which only the shell keeps
			f.Before[v.Name] = new(string)
		case named && !strings.HasPrefix(filepath.Base(path), authfile.PrivatePrefix):
		case named, was == "":
			f.Before[v.Name] = nil
		default:
			f.Before[v.Name] = &was
		}
	}
	if source := before.dockerSource(in); in.On && source != "" {
		f.Links = linkable(filepath.Dir(source))
	}
	return f
}

// linkable are the names in docker's folder that are neither auth files nor ours, with
// their targets.
func linkable(folder string) map[string]string {
	links := map[string]string{}
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		name := entry.Name()
		auth := slices.ContainsFunc([]string{"config.json", "auth.json", ".config.json.", ".auth.json.", ".tmp-", "quay-keyless", ".quay-keyless"},
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if target, err := filepath.EvalSymlinks(filepath.Join(folder, name)); err == nil && !auth {
			if target, err = filepath.Abs(target); err == nil {
				links[name] = target
			}
		}
	}
	return links
}
