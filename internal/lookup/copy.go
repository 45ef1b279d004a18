// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
)

// Inherit says what a new file starts from: nothing, or what tools see now.
type Inherit struct {
	On bool
	// From is a folder whose config.json, if it is there, counts as docker's.
	From string
}

// dockerSource is the file that docker's tools read, "" if there is none.
func (p Place) dockerSource(in Inherit) string {
	if file := below(in.From, "config.json"); file != "" {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	file, _ := p.dockerFile()
	return file
}

// read is one file as tools see it.
func (b *planner) read(path string) logins {
	if path == "" {
		return noLogins()
	}
	_, found, err := look(path, b.place.Trust)
	b.unusable(path, err, false)
	return found
}

// dockerSees is what docker's tools find in place: in its file, and in DOCKER_AUTH_CONFIG
// before it. crane and its relatives read another file if that one is missing.
func (b *planner) dockerSees(p Place, in Inherit) logins {
	path := p.dockerSource(in)
	seen := b.read(path)
	if _, err := os.Stat(path); err != nil {
		if other, _ := p.craneFile(); other != "" {
			later := b.read(other)
			seen.auths, seen.helpers = later.auths, later.helpers
		}
	}
	variable, _ := decode([]byte(p.Getenv("DOCKER_AUTH_CONFIG"))) // docker ignores what is not JSON
	maps.Copy(seen.auths, variable.auths)
	maps.DeleteFunc(seen.helpers, func(host, _ string) bool { _, preferred := variable.auths[host]; return preferred })
	seen.hostsOnly()
	b.replaceStore(&seen, variable)
	return seen
}

// containersSee is what podman, buildah and skopeo find in place.
func (b *planner) containersSee(p Place, in Inherit) logins {
	seen := noLogins()
	var paths []string
	if p.Getenv("REGISTRY_AUTH_FILE") == "" && p.Getenv("DOCKER_CONFIG") == "" && !p.runtimeFile().read {
		paths = p.strays()
	}
	for _, r := range p.readers(p.dockerSource(in)) {
		if r.image {
			paths = append(paths, r.paths...)
		}
	}
	for i, path := range paths {
		if !slices.Contains(paths[:i], path) {
			seen.add(b.read(path))
		}
	}
	return seen
}

// add adds what tools find in a later file: what no earlier one answers.
func (l *logins) add(later logins) {
	answered := func(key string) bool {
		for name := range l.auths {
			if covers(name, key) {
				return true
			}
		}
		_, helped := l.helpers[authfile.HostOf(bareName(key))]
		return helped
	}
	maps.DeleteFunc(later.auths, func(name string, _ entry) bool { return answered(name) })
	maps.DeleteFunc(later.helpers, func(host, _ string) bool { return answered(host) })
	maps.Copy(l.auths, later.auths)
	maps.Copy(l.helpers, later.helpers)
}

// hostsOnly names each login as docker's tools find it: one for each host. They prefer
// HOST, and choose one of several HOST/ORG at random.
func (l *logins) hostsOnly() {
	for _, name := range slices.Sorted(maps.Keys(l.auths)) {
		host, below, found := strings.Cut(name, "/")
		if !found || strings.Contains(name, "://") {
			continue
		}
		if _, known := l.auths[host]; !known && !strings.Contains(below, "//") {
			l.auths[host] = l.auths[name]
		}
		delete(l.auths, name)
	}
}

// replaceStore replaces docker's credential store, which hides our login, by a helper for
// each registry that it lists. One that cannot be listed stays.
func (b *planner) replaceStore(seen *logins, variable logins) {
	store, _ := seen.store.(string)
	listed, known := b.place.stored(store)
	if !known {
		return
	}
	seen.store = nil
	for _, server := range listed {
		host := authfile.HostOf(bareName(server))
		if strings.HasPrefix(server, "https://index.docker.io/") {
			host = server // docker's name for Docker Hub
		}
		_, helped := seen.helpers[host]
		if _, preferred := variable.auths[host]; !helped && !preferred && !slices.Contains(b.keys.hosts(), host) {
			seen.helpers[host] = store
		}
	}
}

// stored are the registries in a credential store, and whether that is known. Stores of
// clouds make logins for hosts that they do not list.
func (p Place) stored(store string) (servers []string, known bool) {
	if store == "" || p.List == nil || slices.Contains([]string{"ecr-login", "gcr", "gcloud", "acr-env", "acr-login"}, store) {
		return nil, store == ""
	}
	servers, err := p.List(store)
	return servers, err == nil
}

// start is what a file starts from, without what would hide our logins or what they replace.
func (b *planner) start(t *Target, seen logins, image bool) authfile.Start {
	for i, key := range b.keys {
		delete(seen.helpers, key.Host)
		maps.DeleteFunc(seen.auths, func(name string, _ entry) bool {
			return name == t.Names[i] || key.hiddenBy(name, image) || t.Names[i] == key.Host && !image && authfile.HostOf(bareName(name)) == key.Host
		})
	}
	settings := maps.Clone(seen.settings)
	settings["auths"] = json.RawMessage("{}")
	if store, ok := seen.store.(string); ok {
		settings["credsStore"] = authfile.Quote(store)
		b.conflict(Conflict{Kind: OtherStore, Path: t.File.Path(), Key: store, Tools: dockers.tools})
	}
	text, err := json.MarshalIndent(settings, "", "\t")
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	start := authfile.Start{Text: append(text, '\n')}
	for _, key := range slices.Sorted(maps.Keys(seen.auths)) {
		start.Copies = append(start.Copies, authfile.Copy{Key: key, Value: seen.auths[key].raw})
	}
	for _, host := range slices.Sorted(maps.Keys(seen.helpers)) {
		start.Copies = append(start.Copies, authfile.Copy{Helper: true, Key: host, Value: authfile.Quote(seen.helpers[host])})
		if seen.helpers[host] == authfile.OwnHelper {
			t.OwnHelpers = append(t.OwnHelpers, host)
		}
	}
	return start
}

// drop reports whether an earlier login's copy would hide a login with one of the keys.
func (k keys) drop(image bool) func(authfile.Copy) bool {
	return func(c authfile.Copy) bool {
		return c.Helper && slices.Contains(k.hosts(), c.Key) || !c.Helper && k.hiddenBy(c.Key, image)
	}
}
