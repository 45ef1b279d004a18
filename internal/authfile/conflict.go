// SPDX-License-Identifier: Apache-2.0

package authfile

import (
	"maps"
	"slices"
	"strings"
)

// ConflictKind says what would hide a login from tools.
type ConflictKind int

// The kinds.
const (
	// OtherHelper: credHelpers[HOST] names a helper, Key, which is not ours; it may be
	// "". It wins in every tool, over HOST/ORG as well, except that a login by our own
	// helper replaces it.
	OtherHelper ConflictKind = iota
	// NarrowerKey: Key, below ours, wins for the images below it. podman, buildah and
	// skopeo prefer HOST/org, even if it holds nothing; crane prefers only
	// HOST/org/repo, and all others always use HOST.
	NarrowerKey
	// Unusable: the file cannot be read or written; Err, an [*Error], says why. A file
	// that podman, buildah and skopeo cannot read or decode on their way to the login
	// stops them, also if it is empty.
	Unusable
	// OtherStore: credsStore names a store, Key, which docker, crane and helm ask.
	// It does not matter to a login by credential helper: credHelpers goes first.
	OtherStore
	// BrokenEntry: the "auth" under Key, another registry's, is not USER:PASSWORD
	// in base64. docker then loses our login at random, crane refuses the whole file.
	BrokenEntry
	// DockerAuthConfig: the variable DOCKER_AUTH_CONFIG holds a login under Key. crane,
	// and docker from 28.3.0, prefer it to all files.
	DockerAuthConfig
	// NoRuntimeDir: a user other than root has no XDG_RUNTIME_DIR, or another user's;
	// Path is what the variable holds. skopeo stops if it cannot look there, podman and
	// buildah each look elsewhere first. The plan's Exports are the cure.
	NoRuntimeDir
)

// Conflict is one thing that would hide a login from tools.
type Conflict struct {
	Kind ConflictKind
	Path string // the file, resolved where it can be; see NoRuntimeDir; else ""
	Key  string // what wins: a key, a helper, a store
	// Fatal: podman, buildah or skopeo would not find the login, or it could not be
	// written. Otherwise only docker, crane and helm would not find it.
	Fatal bool
	Err   error // of Unusable
}

// conflicts lists what in this file hides our logins. target: we will write into this
// file.
func (c contents) conflicts(keys []string, target, image bool) []Conflict {
	var found []Conflict
	for _, name := range slices.Sorted(maps.Keys(c.Auths)) {
		entry := c.Auths[name].Auth
		switch {
		case slices.Contains(keys, name):
			continue // it will be written over
		case slices.ContainsFunc(keys, func(key string) bool { return hides(name, key, image) }) && (target || entry.answers()):
			found = append(found, Conflict{Kind: NarrowerKey, Key: name, Fatal: image})
		}
		if !image && entry.broken() {
			found = append(found, Conflict{Kind: BrokenEntry, Key: name})
		}
	}
	helped := 0 // a login takes the place of our own helper, and then the store counts
	for _, host := range hosts(keys) {
		if helper, ok := c.Helpers[host]; ok && helper != OwnHelper {
			helped++
			found = append(found, Conflict{Kind: OtherHelper, Key: helper, Fatal: image})
		}
	}
	if store, _ := c.Store.(string); store != "" && !image && helped < len(hosts(keys)) {
		found = append(found, Conflict{Kind: OtherStore, Key: store})
	}
	return found
}

// hides reports whether tools prefer the login under name to that under key for some
// images, if one file has both. HOST/ and HOST/v1/ hide nothing, because no image name
// has an empty part. In docker's family only crane asks for more than the host, and then
// for the whole repository.
func hides(name, key string, image bool) bool {
	if !strings.HasPrefix(name, key+"/") || strings.Contains(name+"/", "//") {
		return false
	}
	return image || strings.Count(name, "/") > 1
}

// HostOf is the registry of a key, HOST or HOST/ORG.
func HostOf(key string) string {
	host, _, _ := strings.Cut(key, "/")
	return host
}

// hosts is the registries of keys, each once.
func hosts(keys []string) []string {
	var list []string
	for _, key := range keys {
		if host := HostOf(key); !slices.Contains(list, host) {
			list = append(list, host)
		}
	}
	return list
}
