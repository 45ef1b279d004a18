// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Inherit says what a new file starts from: nothing, or what tools see now.
type Inherit struct {
	On bool
	// From is a folder whose config.json, if it is there, counts as docker's.
	From string
	// List returns the registries in a credential store.
	List func(store string) ([]string, error)
}

// view is what some tools see.
type view struct {
	settings map[string]json.RawMessage // of docker's file
	auths    map[string]json.RawMessage
	helpers  map[string]string
}

// outside is p without the variables that name this folder, or a file in it.
func (p Place) outside(folder string) Place {
	var names []string
	for name, below := range map[string]string{"DOCKER_CONFIG": "config.json", "REGISTRY_AUTH_FILE": ""} {
		path := p.Getenv(name)
		if path == "" {
			continue
		}
		if file, err := Open(filepath.Join(path, below), p.Trust); err == nil && file.dir() == folder {
			names = append(names, name)
		}
	}
	return p.without(names...)
}

// dockerSource is the folder that docker reads, "" if there is none.
func (p Place) dockerSource(in Inherit) string {
	if _, err := os.Stat(filepath.Join(in.From, "config.json")); in.From != "" && err == nil {
		return in.From
	}
	folder, _ := p.DockerFolder()
	return folder
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
	v := view{map[string]json.RawMessage{}, map[string]json.RawMessage{}, map[string]string{}}
	file, err := Open(path, p.Trust)
	if err != nil || path == "" {
		return v, nil //nolint:nilerr // tools find nothing there either
	}
	text, err := readAny(file.path, maxFile)
	if err != nil || text == nil {
		return v, located(file.path, err)
	}
	if _, err := decodeContents(text); err != nil {
		return v, located(file.path, err)
	}
	return v, located(file.path, v.decode(text))
}

// decode adds the text of an auth file.
func (v *view) decode(text []byte) error {
	if err := json.Unmarshal(text, &v.settings); err != nil {
		return because(NotJSON, err)
	}
	for name, value := range v.settings {
		var err error
		switch {
		case strings.EqualFold(name, auths):
			err = json.Unmarshal(value, &v.auths)
		case strings.EqualFold(name, credHelpers):
			err = json.Unmarshal(value, &v.helpers)
		default:
			continue
		}
		if err != nil {
			return because(Other, errors.New("its logins cannot be read"))
		}
		delete(v.settings, name)
	}
	return nil
}

// add adds what tools find in a later file: what no earlier one answers.
func (v *view) add(later view) {
	answered := func(key string) bool {
		for name := range v.auths {
			if covers(name, key) {
				return true
			}
		}
		_, helped := v.helpers[HostOf(bareName(key))]
		return helped
	}
	auths := map[string]json.RawMessage{}
	for name, value := range later.auths {
		if !answered(name) {
			auths[name] = value
		}
	}
	for host, helper := range later.helpers {
		if !answered(host) {
			v.helpers[host] = helper
		}
	}
	maps.Copy(v.auths, auths)
}

// hostsOnly names each login as docker's tools find it: one for each host. They prefer
// HOST, and choose one of several HOST/ORG at random.
func (v *view) hostsOnly() {
	for _, name := range slices.Sorted(maps.Keys(v.auths)) {
		host, below, found := strings.Cut(name, "/")
		if !found || strings.Contains(name, "://") {
			continue
		}
		if _, known := v.auths[host]; !known && !strings.Contains(below, "//") {
			v.auths[host] = v.auths[name]
		}
		delete(v.auths, name)
	}
}

// forKeys leaves out what would hide our logins, or what they replace.
func (v *view) forKeys(keys []Key, names []string, image bool) {
	for i, key := range keys {
		delete(v.helpers, key.Host)
		maps.DeleteFunc(v.auths, func(name string, _ json.RawMessage) bool {
			return name == names[i] || key.hiddenBy(name, image) || names[i] == key.Host && !image && HostOf(bareName(name)) == key.Host
		})
	}
}

// store replaces docker's credential store by a helper for each registry that it lists,
// because it hides our login. It returns the name of a store that stays.
func (v *view) store(keys []Key, list func(string) ([]string, error)) (stays string) {
	var store string
	_ = json.Unmarshal(v.settings["credsStore"], &store)
	delete(v.settings, "credsStore")
	if store == "" {
		return ""
	}
	listed, err := []string(nil), fs.ErrInvalid
	if list != nil && !slices.Contains([]string{"ecr-login", "gcr", "gcloud", "acr-env", "acr-login"}, store) { // which make logins for hosts that they do not list
		listed, err = list(store)
	}
	if err != nil {
		v.settings["credsStore"] = quote(store)
		return store
	}
	for _, server := range listed {
		host := HostOf(bareName(server))
		if strings.HasPrefix(server, "https://index.docker.io/") {
			host = server // docker's name for Docker Hub
		}
		if _, known := v.helpers[host]; !known && !slices.Contains(hosts(keys), host) {
			v.helpers[host] = store
		}
	}
	return ""
}

// contents is what the view holds, without secrets.
func (v *view) contents() contents {
	text, err := json.Marshal(map[string]any{auths: v.auths, credHelpers: v.helpers})
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	all, _ := decodeContents(text)
	return all
}

// start is the text of a new file, and the copied logins in it.
func (v *view) start() (text []byte, copies []edit) {
	settings := maps.Clone(v.settings)
	settings[auths] = json.RawMessage("{}")
	text, err := json.MarshalIndent(settings, "", "\t")
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	for _, key := range slices.Sorted(maps.Keys(v.auths)) {
		copies = append(copies, edit{object: auths, key: key, value: v.auths[key], copied: true})
	}
	for _, host := range slices.Sorted(maps.Keys(v.helpers)) {
		copies = append(copies, edit{object: credHelpers, key: host, value: quote(v.helpers[host]), copied: true})
	}
	return append(text, '\n'), copies
}

// dockerView is what docker's tools see: its file, and DOCKER_AUTH_CONFIG before it. crane
// and its relatives read another file if that one is missing.
func (b *planner) dockerView(p Place, in Inherit) view {
	path := filepath.Join(p.dockerSource(in), "config.json")
	v, err := p.read(path)
	b.unusable(path, err, false)
	if _, err := os.Stat(path); err != nil {
		if other, _ := p.craneFile(); other != "" {
			later, err := p.read(other)
			b.unusable(other, err, false)
			v.auths, v.helpers = later.auths, later.helpers
		}
	}
	var variable view
	if text := p.Getenv("DOCKER_AUTH_CONFIG"); variable.decode([]byte(text)) == nil {
		maps.Copy(v.auths, variable.auths)
	}
	v.hostsOnly()
	return v
}

// containersView is what podman, buildah and skopeo see.
func (b *planner) containersView(p Place, in Inherit) view {
	v := view{nil, map[string]json.RawMessage{}, map[string]string{}}
	for _, path := range p.containersSources(filepath.Join(p.dockerSource(in), "config.json")) {
		later, err := p.read(path)
		b.unusable(path, err, false)
		if err == nil {
			v.add(later)
		}
	}
	return v
}

// startFrom has a file start from a view, but for what would hide our logins.
func (b *planner) startFrom(t *Target, v view, image bool, in Inherit) {
	v.forKeys(b.keys, t.Names, image)
	if v.settings == nil {
		v.settings = map[string]json.RawMessage{}
	}
	if store := v.store(b.keys, in.List); store != "" {
		b.conflict(Conflict{Kind: OtherStore, Path: t.File.Path(), Key: store, Tools: dockers.tools})
	}
	t.File.base, t.File.copies = v.start()
}

// dropped is what an earlier login of ours copied into a file and a later one leaves out.
func (f *File) dropped(keys []Key, image bool) func(saved) bool {
	return func(s saved) bool {
		return s.Copied && slices.ContainsFunc(keys, func(key Key) bool {
			return s.Object == credHelpers && s.Key == key.Host || s.Object == auths && key.hiddenBy(s.Key, image)
		})
	}
}

// OwnHelpers are the copied hosts whose logins our helper gets, so that its settings are
// needed beside the copy.
func (f *File) OwnHelpers() []string {
	var hosts []string
	for _, e := range f.copies {
		if e.object == credHelpers && string(e.value) == string(quote(OwnHelper)) {
			hosts = append(hosts, e.key)
		}
	}
	return hosts
}
