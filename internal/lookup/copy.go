// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"quay-keyless/internal/authfile"
)

// Inherit says what a new file starts from: nothing, or what tools see now.
type Inherit struct {
	On bool
	// From is a folder whose config.json, if it is there, counts as docker's.
	From string
}

// outside is p without the variables that name this folder, or a file in it.
func (p Place) outside(folder string) Place {
	var names []string
	for name, below := range map[string]string{"DOCKER_CONFIG": "config.json", "REGISTRY_AUTH_FILE": ""} {
		path := p.Getenv(name)
		if path == "" {
			continue
		}
		if file, err := authfile.Open(filepath.Join(path, below), p.Trust); err == nil && filepath.Dir(file.Path()) == folder {
			names = append(names, name)
		}
	}
	return p.without(names...)
}

// dockerSource is the folder that docker reads, and its file there; "" if there is none.
func (p Place) dockerSource(in Inherit) (folder, file string) {
	if file := filepath.Join(in.From, "config.json"); in.From != "" {
		if _, err := os.Stat(file); err == nil {
			return in.From, file
		}
	}
	folder, err := p.DockerFolder()
	if err != nil {
		return "", ""
	}
	return folder, filepath.Join(folder, "config.json")
}

// containersSources are the files that podman, buildah and skopeo read, in their order.
func (p Place) containersSources(docker string) []string {
	switch named, runtimeFile := p.Getenv("REGISTRY_AUTH_FILE"), p.runtimeFile(); {
	case named != "":
		return []string{named}
	case p.Getenv("DOCKER_CONFIG") != "":
		return []string{docker, runtimeFile.path, p.userFile()}
	case runtimeFile.read:
		return []string{runtimeFile.path, p.userFile(), docker}
	default:
		return append(p.strays(), p.userFile(), docker)
	}
}

// read is one file as tools see it; a missing one is empty. A file that tools cannot read
// is an error.
func (p Place) read(path string) (view, error) {
	v := newView()
	if path == "" {
		return v, nil
	}
	file, _, err := look(path, p.Trust)
	if err != nil {
		return v, err
	}
	text, err := file.Text()
	if err == nil && text != nil {
		err = v.decode(text)
	}
	return v, err
}

// dockerView is what docker's tools see: its file, and DOCKER_AUTH_CONFIG before it. crane
// and its relatives read another file if that one is missing.
func (b *planner) dockerView(p Place, in Inherit) view {
	_, path := p.dockerSource(in)
	v, err := p.read(path)
	b.unusable(path, err, false)
	if _, err := os.Stat(path); err != nil {
		if other, _ := p.craneFile(); other != "" {
			later, err := p.read(other)
			b.unusable(other, err, false)
			v.auths, v.helpers = later.auths, later.helpers
		}
	}
	variable := newView()
	if text := p.Getenv("DOCKER_AUTH_CONFIG"); variable.decode([]byte(text)) == nil {
		v.variable = variable.auths
		maps.Copy(v.auths, v.variable)
		maps.DeleteFunc(v.helpers, func(host, _ string) bool { return v.variable[host] != nil })
	}
	v.hostsOnly()
	return v
}

// containersView is what podman, buildah and skopeo see.
func (b *planner) containersView(p Place, in Inherit) view {
	v := newView()
	_, docker := p.dockerSource(in)
	for _, path := range p.containersSources(docker) {
		later, err := p.read(path)
		b.unusable(path, err, false)
		if err == nil {
			v.add(later)
		}
	}
	return v
}

// start is what a file starts from, without what would hide our logins.
func (b *planner) start(t *Target, v view, image bool, in Inherit) authfile.Start {
	v.forKeys(b.keys, t.Names, image)
	if store := v.store(b.keys, b.place.List); store != "" {
		b.conflict(Conflict{Kind: OtherStore, Path: t.File.Path(), Key: store, Tools: dockers.tools})
	}
	for host, helper := range v.helpers {
		if helper == authfile.OwnHelper {
			t.OwnHelpers = append(t.OwnHelpers, host)
		}
	}
	return v.start()
}

// drop reports whether an earlier login's copy would hide a login with one of the keys.
func drop(keys []Key, image bool) func(authfile.Copy) bool {
	return func(c authfile.Copy) bool {
		return slices.ContainsFunc(keys, func(key Key) bool {
			return c.Helper && c.Key == key.Host || !c.Helper && key.hiddenBy(c.Key, image)
		})
	}
}
