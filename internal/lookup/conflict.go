// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"strings"

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
