// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// Plan is where a login goes, and what would hide it from tools.
type Plan struct {
	Files     []Target            // docker's comes first
	Exports   []platform.Variable // what the following steps need in their environment, in this order
	Conflicts []Conflict          // at most one of a kind for a path and key
	Folder    *authfile.Folder    // of an isolated login
}

// Target is an auth file to write.
type Target struct {
	File *authfile.File
	// Names are the names that the plan's keys have in this file, "" for none. Docker's
	// tools know one login for each host, so theirs is HOST.
	Names []string
	// OwnHelpers are the copied hosts that have our helper: its settings are needed beside
	// the copy.
	OwnHelpers []string
	// Besides are the file's logins for other organizations of our registries. Our helper
	// hides them from podman, buildah and skopeo.
	Besides []string
	tools   []string // that read it
}

// Tools are the tools that will find the login in a target, the best-known one first.
func (p Plan) Tools(t Target) []string {
	return slices.DeleteFunc(slices.Clone(t.tools), func(tool string) bool {
		return slices.ContainsFunc(p.Conflicts, func(c Conflict) bool { return slices.Contains(c.Tools, tool) })
	})
}

// Where is a target's path, and which tools look there.
func (p Plan) Where(t Target) string {
	switch tools := p.Tools(t); len(tools) {
	case 0:
		return t.File.Path()
	case 1:
		return t.File.Path() + ", where " + tools[0] + " looks"
	default:
		return t.File.Path() + ", where " + platform.Enumerated(tools) + " look"
	}
}

// InPlace finds the files that tools read anyway: docker's config.json; podman's default
// auth.json, which a later step may name; REGISTRY_AUTH_FILE if it is set; and an auth
// file that tools read earlier, if it holds a login that hides ours. A missing file is no
// conflict, because a login creates it.
//
// The error says that there is no place.
func (p Place) InPlace(keys ...Key) (Plan, error) {
	docker, err := p.dockerFile()
	if err != nil {
		return Plan{}, err
	}
	b := planner{place: p, keys: keys}
	if file, err := authfile.Open(docker, p.Trust); err == nil {
		if err := file.Check(); isAboutPlace(err) {
			return Plan{}, noPlace(err.Error())
		}
		b.target(file)
	}
	runtimeFile, named := p.runtimeFile(), p.Getenv("REGISTRY_AUTH_FILE")
	b.open(named)
	if runtimeFile.ours {
		b.open(runtimeFile.path)
	}
	for _, r := range p.readers(docker) {
		b.follow(r)
	}
	b.elsewhere(p.Getenv("DOCKER_AUTH_CONFIG"))
	b.created(docker)
	if named == "" && !runtimeFile.ours {
		b.noRuntimeFile(docker, runtimeFile.read)
	}
	_, found, _ := look(docker, p.Trust)
	b.name(docker, found)
	b.plan.Files = slices.DeleteFunc(b.plan.Files, func(t Target) bool { return strings.Join(t.Names, "") == "" })
	return b.plan, nil
}

// isAboutPlace reports whether err is about where the file is, not about the file itself.
func isAboutPlace(err error) bool {
	var fault *authfile.Error
	return errors.As(err, &fault) &&
		slices.Contains([]authfile.Reason{authfile.FolderUncreatable, authfile.FolderReadOnly, authfile.FolderNotWritable, authfile.ReadOnly}, fault.Reason)
}

// elsewhere finds what sends tools to another place than an auth file: DOCKER_AUTH_CONFIG,
// whose text this is, helm's own file, and registries.conf.
func (b *planner) elsewhere(variable string) {
	for _, name := range variableConflicts(variable, b.keys) {
		b.conflict(Conflict{Kind: DockerAuthConfig, Key: name, Tools: []string{"docker", "crane"}})
	}
	if path := b.place.helmFile(); path != "" {
		_, found, _ := look(path, b.place.Trust)
		store, _ := found.store.(string)
		stored, _ := b.place.stored(store)
		for _, host := range b.keys.hosts() {
			if slices.Contains(append(found.hosts(), stored...), host) {
				b.conflict(Conflict{Kind: HelmFile, Path: path, Key: host, Tools: []string{"helm"}})
			}
		}
	}
	if path, helpers := b.place.onlyHelpers(); path != "" {
		b.conflict(Conflict{Kind: NoAuthFiles, Path: path, Key: helpers, Tools: images.tools})
	}
}

// noRuntimeFile exports REGISTRY_AUTH_FILE if podman's default file cannot be created, and
// unless that would hide other logins.
func (b *planner) noRuntimeFile(docker string, read bool) {
	p := b.place
	others := []string{p.userFile()}
	if !read {
		others = append(others, p.strays()...)
	}
	_, found, err := look(docker, p.Trust)
	hides := func(path string) bool {
		_, other, _ := look(path, p.Trust)
		return path != "" && len(found.missing(other, b.keys)) > 0
	}
	if err == nil && len(b.plan.Files) > 0 && !slices.ContainsFunc(others, hides) {
		b.export("REGISTRY_AUTH_FILE", b.plan.Files[0].File.Path())
	}
	if !read {
		b.conflict(Conflict{Kind: NoRuntimeDir, Path: p.Getenv("XDG_RUNTIME_DIR"), Exports: b.plan.Exports})
	}
}

// created warns of the logins that crane loses when docker's file is created.
func (b *planner) created(docker string) {
	for _, path := range []string{docker, b.place.inHome(".docker", "config.json")} {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	path, found := b.place.craneFile()
	if missing := append(logins{}.missing(found, b.keys), found.besides(b.keys)...); len(missing) > 0 {
		b.conflict(Conflict{Kind: CreatedFile, Path: path, Key: strings.Join(missing, ", ")})
	}
}

// File uses only this file, for tools that are told to read it: by --authfile or
// REGISTRY_AUTH_FILE, or by DOCKER_CONFIG if it is a config.json. Other files that the
// environment names are no conflict.
//
// The error is that of [authfile.Open].
func (p Place) File(path string, in Inherit, keys ...Key) (Plan, error) {
	file, err := authfile.Open(path, p.Trust)
	if err != nil {
		return Plan{}, err
	}
	b := planner{place: p, keys: keys}
	b.follow(images.of(path))
	docker := filepath.Base(path) == "config.json"
	if docker && !slices.ContainsFunc(keys, func(key Key) bool { return key.Org != "" }) {
		b.follow(dockers.of(path))
	}
	b.name("", noLogins())
	t := &b.plan.Files[0]
	t.tools = nil // they look there if they are told to
	if before := p.outside(filepath.Dir(file.Path())); in.On {
		seen := b.containersSee(before, in)
		if docker {
			first := b.dockerSees(before, in)
			first.add(seen)
			seen = first
		}
		t.File.Start = b.start(t, seen, true)
	}
	return b.plan, nil
}
