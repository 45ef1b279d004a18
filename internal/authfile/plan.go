// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Plan is where a login goes, and what would hide it from tools.
type Plan struct {
	Files     []Target   // every one gets every key; docker's comes first
	Exports   []Variable // what the following steps need in their environment, in this order
	Conflicts []Conflict // at most one of a kind for a path and key
}

// Target is an auth file to write, and the tools that find the login there unless a
// conflict hides it, the best-known tool first.
type Target struct {
	File  *File
	Tools []string
}

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// InPlace finds the files that tools read anyway: docker's config.json, which all of
// them read unless something hides it; REGISTRY_AUTH_FILE if it is set; and an auth file
// that tools read earlier, if it holds a login that hides ours. A missing file is no
// conflict, because a login creates it.
//
// The error is an [ErrNoPlace].
func (p Place) InPlace(keys ...string) (Plan, error) {
	folder, err := p.dockerFolder()
	if err != nil {
		return Plan{}, err
	}
	docker := filepath.Join(folder, "config.json")
	b := planner{keys: keys, trust: p.Trust}
	if file, err := Open(docker, p.Trust); err == nil {
		if err := file.Check(); noPlace(err) {
			return Plan{}, fmt.Errorf("%w: %w", ErrNoPlace, err)
		}
		b.target(file)
	}
	for _, r := range append(p.readers(docker), reader{tools: dockers, paths: []string{docker}}) {
		b.follow(r)
	}
	b.environment(p.Getenv("DOCKER_AUTH_CONFIG"))
	if _, usable := p.runtimeFile(); !usable && p.Getenv("REGISTRY_AUTH_FILE") == "" && len(b.plan.Files) > 0 {
		b.export("REGISTRY_AUTH_FILE", b.plan.Files[0].File.Path())
		b.conflict(Conflict{Kind: NoRuntimeDir, Path: p.Getenv("XDG_RUNTIME_DIR")})
	}
	return b.plan, nil
}

// noPlace reports whether err is about where the file is, not about the file itself.
func noPlace(err error) bool {
	var fault *Error
	return errors.As(err, &fault) &&
		slices.Contains([]Reason{FolderUncreatable, FolderReadOnly, FolderNotWritable, ReadOnly}, fault.Reason)
}

// Isolated makes every tool read only config.json in this folder, which may be missing.
// For keys below a host it exports only REGISTRY_AUTH_FILE, because docker's family
// cannot tell them apart.
//
// The error is an [*Error] with the reason [SymlinkLoop] or [BadPath].
func (p Place) Isolated(folder string, keys ...string) (Plan, error) {
	if folder == "" {
		return Plan{}, located(folder, because(BadPath, errors.New("the path is empty")))
	}
	resolved, err := resolve(folder)
	if err != nil {
		return Plan{}, located(folder, err)
	}
	path := filepath.Join(resolved, "config.json")
	plan, err := p.File(path, keys...)
	if err != nil {
		return Plan{}, err
	}
	b := planner{keys: keys, trust: p.Trust, plan: plan}
	if namespaced(keys) {
		b.export("REGISTRY_AUTH_FILE", path)
		return b.plan, nil
	}
	b.export("DOCKER_CONFIG", resolved)
	b.export("REGISTRY_AUTH_FILE", path)
	if builders := p.builders(); builders != "" {
		b.export("BUILDX_CONFIG", builders)
	}
	b.environment(p.Getenv("DOCKER_AUTH_CONFIG"))
	return b.plan, nil
}

// builders is where buildx has its builders, which it looks for beside docker's
// config.json. It is "" where there are none, and where BUILDX_CONFIG names the
// folder already.
func (p Place) builders() string {
	folder, err := p.dockerFolder()
	if err != nil || p.Getenv("BUILDX_CONFIG") != "" {
		return ""
	}
	builders, err := filepath.Abs(filepath.Join(folder, "buildx"))
	if err != nil {
		return ""
	}
	if info, err := os.Stat(builders); err != nil || !info.IsDir() {
		return ""
	}
	return builders
}

// File uses only this file, for tools that are told of it: by --authfile or
// REGISTRY_AUTH_FILE, or by DOCKER_CONFIG if it is a config.json. Other files that the
// environment names are no conflict.
//
// The error is that of [Open].
func (p Place) File(path string, keys ...string) (Plan, error) {
	if _, err := Open(path, p.Trust); err != nil {
		return Plan{}, err
	}
	b := planner{keys: keys, trust: p.Trust}
	b.follow(reader{slices.Concat(podman, skopeo), []string{path}, true})
	if filepath.Base(path) == "config.json" && !namespaced(keys) {
		b.follow(reader{dockers, []string{path}, false})
	}
	return b.plan, nil
}

// namespaced reports whether one of the keys is below a host.
func namespaced(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return strings.Contains(key, "/") })
}
