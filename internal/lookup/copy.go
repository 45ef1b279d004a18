// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
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
		if file, err := authfile.Open(filepath.Join(path, below), p.Trust); err == nil && filepath.Dir(file.Path()) == folder {
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
	file, _, err := look(path, p.Trust)
	if file == nil || err != nil {
		return v, err
	}
	text, err := file.Text()
	if err == nil && text != nil {
		err = v.decode(text)
	}
	return v, err
}

// decode adds the text of an auth file.
func (v *view) decode(text []byte) error {
	err := json.Unmarshal(text, &v.settings)
	for name, value := range v.settings {
		switch {
		case strings.EqualFold(name, "auths"):
			err = errors.Join(err, json.Unmarshal(value, &v.auths))
		case strings.EqualFold(name, "credHelpers"):
			err = errors.Join(err, json.Unmarshal(value, &v.helpers))
		default:
			continue
		}
		delete(v.settings, name)
	}
	return err
}

// add adds what tools find in a later file: what no earlier one answers.
func (v *view) add(later view) {
	answered := func(key string) bool {
		for name := range v.auths {
			if covers(name, key) {
				return true
			}
		}
		_, helped := v.helpers[authfile.HostOf(bareName(key))]
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
			return name == names[i] || key.hiddenBy(name, image) || names[i] == key.Host && !image && authfile.HostOf(bareName(name)) == key.Host
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
		host := authfile.HostOf(bareName(server))
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
	text, err := json.Marshal(map[string]any{"auths": v.auths, "credHelpers": v.helpers})
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	all, _ := decode(text)
	return all
}

// start is the text of a new file, and the copied logins in it.
func (v *view) start() authfile.Start {
	settings := maps.Clone(v.settings)
	settings["auths"] = json.RawMessage("{}")
	text, err := json.MarshalIndent(settings, "", "\t")
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	start := authfile.Start{Text: append(text, '\n')}
	for _, key := range slices.Sorted(maps.Keys(v.auths)) {
		start.Copies = append(start.Copies, authfile.Copy{Key: key, Value: v.auths[key]})
	}
	for _, host := range slices.Sorted(maps.Keys(v.helpers)) {
		start.Copies = append(start.Copies, authfile.Copy{Helper: true, Key: host, Value: quote(v.helpers[host])})
	}
	return start
}

// quote is text as a JSON string.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string fails
	}
	return quoted
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

// start is what a file starts from, without what would hide our logins.
func (b *planner) start(t *Target, v view, image bool, in Inherit) authfile.Start {
	v.forKeys(b.keys, t.Names, image)
	if v.settings == nil {
		v.settings = map[string]json.RawMessage{}
	}
	if store := v.store(b.keys, in.List); store != "" {
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

// around is the folder of an isolated login. Variables that name it already, as on GitLab,
// stay, unless we chose it.
func (p Place) around(path string, exports []Variable, in Inherit) *authfile.Folder {
	f := &authfile.Folder{Path: path, Before: map[string]*string{}}
	before := p.outside(path)
	for _, v := range exports {
		was := p.Getenv(v.Name)
		switch named := was != before.Getenv(v.Name); {
		case v.Value == "": // DOCKER_AUTH_CONFIG holds logins, which nothing prints
		case named && !strings.HasPrefix(filepath.Base(path), authfile.PrivatePrefix):
		case named, was == "":
			f.Before[v.Name] = nil
		default:
			f.Before[v.Name] = &was
		}
	}
	if source := before.dockerSource(in); in.On && source != "" {
		f.Links = linkable(source)
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
