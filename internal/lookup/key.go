// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"maps"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
)

// Key is the registry of a login, the organization if the login is only for that, and the
// robot's full name.
type Key struct{ Host, Org, Robot string }

// String is the key in an auth file.
func (k Key) String() string {
	if k.Org != "" {
		return k.Host + "/" + k.Org
	}
	return k.Host
}

// hiddenBy reports whether tools prefer the login under name to ours for some of the
// robot's images, if one file has both. In docker's family only crane asks for more than
// the host, and then for the whole repository.
func (k Key) hiddenBy(name string, image bool) bool {
	owner, _, _ := strings.Cut(k.Robot, "+")
	below, ok := strings.CutPrefix(name, k.Host+"/"+owner)
	if !ok || owner == "" || below != "" && (below[0] != '/' || strings.Contains(below+"/", "//")) {
		return false
	}
	return image || below != ""
}

// keys are those of one login.
type keys []Key

// hosts is the registries of keys, each once.
func (k keys) hosts() []string {
	var list []string
	for _, key := range k {
		if !slices.Contains(list, key.Host) {
			list = append(list, key.Host)
		}
	}
	return list
}

// hiddenBy is [Key.hiddenBy] for one of them.
func (k keys) hiddenBy(name string, image bool) bool {
	return slices.ContainsFunc(k, func(key Key) bool { return key.hiddenBy(name, image) })
}

// conflicts lists what in this file hides our logins from a reader's tools. target: we
// will write into this file.
func (l logins) conflicts(keys keys, target bool, r reader) []Conflict {
	var found []Conflict
	for _, name := range slices.Sorted(maps.Keys(l.auths)) {
		entry := l.auths[name]
		hidden := keys.hiddenBy(name, r.image)
		switch {
		case slices.ContainsFunc(keys, func(key Key) bool { return key.String() == name }): // it will be replaced
		case hidden && r.image && (target || entry.final):
			found = append(found, Conflict{Kind: NarrowerKey, Key: name, Tools: r.tools, Fatal: true})
		case hidden && !r.image:
			found = append(found, Conflict{Kind: NarrowerKey, Key: name, Tools: []string{"crane"}})
		}
		if !r.image && entry.wrong && !slices.Contains(keys.hosts(), name) {
			found = append(found, Conflict{Kind: BrokenEntry, Key: name, Tools: r.tools})
		}
	}
	helped := 0 // a login replaces our own helper, and then the store counts
	for _, host := range keys.hosts() {
		if helper, ok := l.helpers[host]; ok && helper != authfile.OwnHelper {
			helped++
			found = append(found, Conflict{Kind: OtherHelper, Key: helper, Tools: r.tools, Fatal: r.image})
		}
	}
	if store, _ := l.store.(string); store != "" && !r.image && helped < len(keys.hosts()) {
		found = append(found, Conflict{Kind: OtherStore, Key: store, Tools: r.tools})
	}
	return found
}

// variableConflicts is the keys in the text of DOCKER_AUTH_CONFIG under which docker or
// crane would find a login. They ask for the bare host, crane for the repository too, and
// for no other form. docker ignores a text that is not JSON, after a warning.
func variableConflicts(text string, keys keys) []string {
	all, err := decode([]byte(text))
	if err != nil {
		return nil
	}
	var found []string
	for _, host := range keys.hosts() {
		if _, ok := all.auths[host]; ok {
			found = append(found, host)
		}
	}
	for _, c := range all.conflicts(keys, true, dockers) {
		if c.Kind == NarrowerKey {
			found = append(found, c.Key)
		}
	}
	return found
}
