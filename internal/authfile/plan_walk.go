// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"path/filepath"
	"slices"

	"quay-keyless/internal/ownfile"
)

// reader is a group of tools that read the same files in this order. If no earlier file
// holds a login, ours goes into the last one.
type reader struct {
	tools []string
	paths []string
	image bool // these tools are built on containers/image
}

// The tools by where they look. Each stands for others: ko, cosign and kaniko
// look where crane does, oras where docker does.
var (
	podman  = []string{"podman", "buildah"}
	skopeo  = []string{"skopeo"}
	dockers = []string{"docker", "crane", "helm"}
)

// readers lists where podman, buildah and skopeo look. docker is the path of docker's
// config.json.
func (p Place) readers(docker string) []reader {
	if named := p.Getenv("REGISTRY_AUTH_FILE"); named != "" {
		return []reader{{slices.Concat(podman, skopeo), []string{named}, true}}
	}
	return p.unnamed(docker)
}

// unnamed is [Place.readers] without REGISTRY_AUTH_FILE.
func (p Place) unnamed(docker string) []reader {
	var list []string
	if path := p.userFile(); path != "" {
		list = append(list, path)
	}
	list = append(list, docker)
	forPodman, forSkopeo := list, list
	runtimeFile, usable := p.runtimeFile()
	if usable && runtimeFile != "" {
		forPodman = slices.Concat([]string{runtimeFile}, list)
		forSkopeo = forPodman
	} else if _, _, err := look(runtimeFile, p.Trust); err == nil { // otherwise NoRuntimeDir says it
		forSkopeo = slices.Concat([]string{runtimeFile}, list)
	}
	if p.Getenv("DOCKER_CONFIG") != "" {
		forPodman = []string{docker}
	}
	return []reader{{podman, forPodman, true}, {skopeo, forSkopeo, true}}
}

// Known is every auth file in which some tool of this environment looks, each
// once: where a logout finds what logins wrote. The error is an [ErrNoHome],
// where no variable names a file either.
func (p Place) Known() ([]*File, error) {
	paths := []string{p.Getenv("REGISTRY_AUTH_FILE")}
	folder, err := p.dockerFolder()
	switch {
	case err == nil:
		docker := filepath.Join(folder, "config.json")
		paths = append([]string{docker}, paths...)
		for _, r := range p.unnamed(docker) { // a login may have set the variable itself
			paths = append(paths, r.paths...)
		}
	case paths[0] == "":
		return nil, err
	}
	var files []*File
	for _, path := range paths {
		file, err := Open(path, p.Trust)
		if err != nil || slices.ContainsFunc(files, func(other *File) bool { return other.path == file.path }) {
			continue
		}
		files = append(files, file)
	}
	return files, nil
}

// planner makes a plan for keys.
type planner struct {
	keys  []string
	trust ownfile.Trust
	plan  Plan
}

// follow goes the way of some tools until they are where the login will be.
func (b *planner) follow(r reader) {
	for i, path := range r.paths {
		file, found, err := look(path, b.trust)
		target := i == len(r.paths)-1 || found.answers(b.keys)
		if file != nil {
			path = file.Path()
		}
		if target && file != nil {
			b.target(file, r.tools...)
			b.unusable(path, file.Check(), true)
		}
		b.unusable(path, err, r.image)
		for _, c := range found.conflicts(b.keys, target, r.image) {
			c.Path = path
			b.conflict(c)
		}
		if target {
			return
		}
	}
}

// target adds a file, or tools to a file. One that is named in two ways is one.
func (b *planner) target(file *File, tools ...string) {
	i := slices.IndexFunc(b.plan.Files, func(t Target) bool { return t.File.Path() == file.Path() })
	if i < 0 {
		b.plan.Files = append(b.plan.Files, Target{File: file, Tools: tools})
		return
	}
	b.plan.Files[i].Tools = slices.Concat(b.plan.Files[i].Tools, tools)
}

func (b *planner) export(name, value string) {
	b.plan.Exports = append(b.plan.Exports, Variable{Name: name, Value: value})
}

// unusable adds the conflict of a file with err, if there is one.
func (b *planner) unusable(path string, err error, fatal bool) {
	if err != nil {
		b.conflict(Conflict{Kind: Unusable, Path: path, Fatal: fatal, Err: err})
	}
}

// conflict adds c once. The tools whose conflicts are fatal are followed first.
func (b *planner) conflict(c Conflict) {
	known := slices.ContainsFunc(b.plan.Conflicts, func(k Conflict) bool {
		return k.Kind == c.Kind && k.Path == c.Path && k.Key == c.Key
	})
	if !known {
		b.plan.Conflicts = append(b.plan.Conflicts, c)
	}
}

// environment adds what DOCKER_AUTH_CONFIG keeps docker's family from.
func (b *planner) environment(text string) {
	for _, name := range variableConflicts(text, b.keys) {
		b.conflict(Conflict{Kind: DockerAuthConfig, Key: name})
	}
}
