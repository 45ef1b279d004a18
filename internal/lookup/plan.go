// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// reader is a group of tools that read the same files in this order. If no earlier file
// holds a login, ours goes into the last one.
type reader struct {
	tools []string
	paths []string
	image bool // these tools are built on containers/image
}

// The tools by where they look. Each stands for others: ko, cosign and kaniko look where
// crane does, oras where docker does.
var (
	podman  = reader{tools: []string{"podman", "buildah"}, image: true}
	skopeo  = reader{tools: []string{"skopeo"}, image: true}
	images  = reader{tools: slices.Concat(podman.tools, skopeo.tools), image: true}
	dockers = reader{tools: []string{"docker", "crane", "helm"}}
)

func (r reader) of(paths ...string) reader {
	r.paths = slices.DeleteFunc(paths, func(path string) bool { return path == "" })
	return r
}

// readers lists where tools look.
func (p Place) readers(docker string) []reader {
	family, runtimeFile := dockers.of(docker), p.runtimeFile()
	if named := p.Getenv("REGISTRY_AUTH_FILE"); named != "" {
		return []reader{images.of(named), family}
	}
	forPodman, forSkopeo := podman.of(p.userFile(), docker), skopeo.of(p.userFile(), docker)
	_, _, err := look(runtimeFile.path, p.Trust)
	if runtimeFile.read {
		forPodman = podman.of(runtimeFile.path, p.userFile(), docker)
	}
	if runtimeFile.read || runtimeFile.path != "" && err == nil && p.Getenv("XDG_RUNTIME_DIR") == "" { // otherwise NoRuntimeDir says it
		forSkopeo = skopeo.of(runtimeFile.path, p.userFile(), docker)
	}
	if p.Getenv("DOCKER_CONFIG") != "" {
		forPodman = podman.of(docker)
	}
	return []reader{forPodman, forSkopeo, family}
}

// InPlace finds the files that tools read anyway: docker's config.json; podman's default
// auth.json, which a later step may name; REGISTRY_AUTH_FILE if it is set; and an auth
// file that tools read earlier, if it holds a login that hides ours. A missing file is no
// conflict, because a login creates it.
//
// The error says that there is no place.
func (p Place) InPlace(keys ...Key) (Plan, error) {
	folder, err := p.DockerFolder()
	if err != nil {
		return Plan{}, err
	}
	docker := filepath.Join(folder, "config.json")
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
		b.noRuntimeFile(docker, runtimeFile)
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

// strays is where podman, buildah and skopeo look without an XDG_RUNTIME_DIR.
func (p Place) strays() []string {
	uid := strconv.Itoa(p.UID)
	return []string{p.system("/run/user/" + uid + "/containers/auth.json"), p.system("/tmp/podman-run-" + uid + "/containers/auth.json"),
		p.system("/var/tmp/containers-user-" + uid + "/containers/containers/auth.json"), p.runtimeFile().path}
}

// noRuntimeFile exports REGISTRY_AUTH_FILE if podman's default file cannot be created, and
// unless that would hide other logins.
func (b *planner) noRuntimeFile(docker string, runtimeFile containersFile) {
	p := b.place
	others := []string{p.userFile()}
	if !runtimeFile.read {
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
	if !runtimeFile.read {
		b.conflict(Conflict{Kind: NoRuntimeDir, Path: p.Getenv("XDG_RUNTIME_DIR"), Exports: b.plan.Exports})
	}
}

// created warns of the logins that crane loses when docker's file is created.
func (b *planner) created(docker string) {
	p := b.place
	for _, path := range []string{docker, p.inHome(".docker", "config.json")} {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	if path, found := p.craneFile(); path != "" {
		missing := append((contents{}).missing(found, b.keys), found.besides(b.keys)...)
		if len(missing) > 0 {
			b.conflict(Conflict{Kind: CreatedFile, Path: path, Key: strings.Join(missing, ", ")})
		}
	}
}

// craneFile is the file that crane and its relatives read if docker's is missing.
func (p Place) craneFile() (path string, found contents) {
	runtimeFile := ""
	if folder := p.Getenv("XDG_RUNTIME_DIR"); folder != "" {
		runtimeFile = filepath.Join(folder, "containers", "auth.json")
	}
	for _, path := range []string{p.Getenv("REGISTRY_AUTH_FILE"), runtimeFile, p.inHome(".config", "containers", "auth.json")} {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			file, found, err := look(path, p.Trust)
			if err != nil {
				return "", contents{}
			}
			return file.Path(), found
		}
	}
	return "", contents{}
}
