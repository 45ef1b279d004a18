// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"maps"
	"slices"
	"strings"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// ConflictKind says what would hide a login from tools.
type ConflictKind int

// The kinds; sentences has their words.
const (
	// OtherHelper: credHelpers[HOST] names another helper, Key, perhaps "". It wins in every
	// tool, over HOST/ORG as well.
	OtherHelper ConflictKind = iota
	// NarrowerKey: Key, below the robot's organization, wins for the images below it.
	// podman, buildah and skopeo prefer HOST/org, even if it holds nothing; crane prefers
	// only HOST/org/repo, and all others always use HOST.
	NarrowerKey
	Unusable         // tools cannot read the file, or we cannot write it: Err
	OtherStore       // credsStore names a store, Key
	BrokenEntry      // the "auth" under Key, another registry's, is not USER:PASSWORD in base64
	OtherLogin       // docker's tools know one login for each host, and Key has another one
	DockerAuthConfig // the variable holds a login under Key
	HelmFile         // helm has a login for Key in its own file
	NoAuthFiles      // a registries.conf names the helpers in Key, and no auth file
	CreatedFile      // crane and its relatives read Path only while docker has no config.json
	NoRuntimeDir     // XDG_RUNTIME_DIR, which is Path, is not this user's
)

// Conflict is one thing that would hide a login from tools.
type Conflict struct {
	Kind  ConflictKind
	Path  string   // the file, resolved if it can be
	Key   string   // what wins: a key, a helper, a store
	Tools []string // that do not find the login
	// Fatal: podman, buildah or skopeo would not find the login, or it could not be
	// written.
	Fatal   bool
	Err     error               // an [*authfile.Error]
	Exports []platform.Variable // that help
}

// sentence is what people read about a kind of conflict.
type sentence struct {
	text  string
	steps []platform.Step
}

var sentences = map[ConflictKind]sentence{
	OtherHelper: {`{tools} cannot find this login: the credential helper "{key}" in {path} goes first`, []platform.Step{
		{Text: "To replace that helper until logout, add --credential-helper."},
		{Text: "To write this login to a private folder, without that helper, add --isolated."},
	}},
	NarrowerKey: {"{tools} cannot find this login: the login for {key} in {path} goes first", []platform.Step{
		{Text: "To remove that login:", Command: "podman logout --authfile {path} {key}"},
		{Text: "To replace it until logout, log in to {key}."},
	}},
	OtherStore: {`{tools} cannot find this login: the credential store "{key}" in {path} goes first`, []platform.Step{
		{Text: "Add --credential-helper: tools prefer a helper to the store."},
	}},
	BrokenEntry: {"{tools} may not find this login: the login for {key} in {path} is broken", []platform.Step{
		{Text: "Log in to {key} again, or remove its login:", Command: "docker logout {key}"},
	}},
	OtherLogin: {"{tools} cannot find this login: the login for {key} in {path} goes first", []platform.Step{
		{Text: "To replace it until logout, log in to {key} without an organization."},
	}},
	DockerAuthConfig: {"docker (from 28.3) and crane cannot find this login: the login for {key} in DOCKER_AUTH_CONFIG goes first", []platform.Step{
		{Text: "Unset DOCKER_AUTH_CONFIG in the job, or add --isolated, which copies its other logins."},
	}},
	HelmFile: {"{tools} cannot find this login: the login for {key} in {path} goes first", []platform.Step{
		{Text: "To remove that login:", Command: "helm registry logout {key}"},
	}},
	NoAuthFiles: {"{tools} cannot find this login: {path} names only the credential helpers {key}", []platform.Step{
		{Text: `Add "containers-auth.json" to credential-helpers there.`},
	}},
	CreatedFile: {"crane, ko and cosign cannot find the logins for {key} until logout: they read {path} only if docker has no config.json", []platform.Step{
		{Text: "To keep these logins, add --isolated, which copies them."},
		{Text: "Or log in to these registries with docker login or crane auth login."},
	}},
	NoRuntimeDir: {"this user has no XDG_RUNTIME_DIR: skopeo finds no login, and podman and buildah look in different places", nil},
}

// Message is what people read about the conflict.
func (c *Conflict) Message() platform.Message {
	if c.Kind == Unusable {
		return platform.MessageOf(c.Err)
	}
	words := sentences[c.Kind]
	plain := strings.NewReplacer("{tools}", platform.Enumerated(c.Tools), "{path}", c.Path, "{key}", c.Key)
	shell := strings.NewReplacer("{path}", platform.Shell(c.Path), "{key}", platform.Operand(c.Key))
	m := platform.Message{Text: plain.Replace(words.text), Reason: "login-hidden"}
	for _, step := range words.steps {
		m.Steps = append(m.Steps, platform.Step{Text: plain.Replace(step.Text), Command: shell.Replace(step.Command)})
	}
	for _, variable := range c.Exports {
		m.Steps = append(m.Steps, platform.Step{Text: "Run this before the tools:", Command: "export " + variable.Name + "=" + platform.Shell(variable.Value)})
	}
	if c.Kind == NoRuntimeDir && len(c.Exports) == 0 {
		m.Steps = []platform.Step{{Text: "Add --isolated: all tools then look in one private folder."}}
	}
	return m
}

// Error is the text.
func (c *Conflict) Error() string { return c.Message().Text }

// Unwrap is the cause.
func (c *Conflict) Unwrap() error { return c.Err }

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
