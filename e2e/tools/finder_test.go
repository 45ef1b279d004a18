// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// family is tools that look for logins in the same places.
type family int

const (
	containers family = iota // podman, buildah, skopeo
	crane
	docker // docker, helm, oras
)

// finder is one tool that looks for a login.
type finder struct {
	name   string // with "library" where it is one
	family family
	args   []string // before the registry
}

var finders = []finder{
	{"podman", containers, []string{"podman", "login", "--get-login"}},
	{"buildah", containers, []string{"buildah", "login", "--get-login"}},
	{"skopeo", containers, []string{"skopeo", "login", "--get-login"}},
	{"containers/image library", containers, []string{"probe", "image"}},
	{"crane library", crane, []string{"probe", "crane"}},
	{"docker library", docker, []string{"probe", "docker"}},
	{"helm library", docker, []string{"probe", "helm"}},
	{"oras library", docker, []string{"probe", "oras"}},
}

// find is the user of the login that the tool finds, "" for none. Where it may
// not even look, the answer is what it says.
func (f finder) find(t *testing.T, j *job, env map[string]string, host string) string {
	t.Helper()
	return answer(j.command(env, append(f.args, host)...).Run(t))
}

func answer(o lab.Outcome) string {
	user, _, _ := strings.Cut(o.Stdout, "\n")
	switch {
	case o.Exit == 0:
		return user
	case strings.Contains(o.Stderr, "not logged into"):
		return ""
	}
	return o.Log()
}

// findAt is find for a tool that is told of one auth file, as its manual says.
func (f finder) findAt(t *testing.T, j *job, host, path string) string {
	t.Helper()
	switch {
	case f.family != containers:
		env := maps.Clone(j.env)
		env["DOCKER_CONFIG"] = filepath.Dir(path)
		return f.find(t, j, env, host)
	case f.args[0] == "probe":
		env := maps.Clone(j.env)
		env["REGISTRY_AUTH_FILE"] = path
		return f.find(t, j, env, host)
	}
	return answer(j.command(j.env, append(f.args, "--authfile", path, host)...).Run(t))
}

// What login says of who looks where: "wrote PATH, where podman, buildah and
// skopeo look", and of a file that the user chose "hint: podman, buildah and
// skopeo find this login with --authfile PATH or REGISTRY_AUTH_FILE=PATH".
var (
	looking = regexp.MustCompile(`(?m)^wrote (?P<path>/.*), where (?P<tools>.*?) look(?: \(.*\))?$`)
	taking  = regexp.MustCompile(`(?m)^hint: (?P<tools>.*) find this login with --authfile (?P<path>/.*) or REGISTRY_AUTH_FILE=.*$`)
)

// said gives the path for each tool that login named, and fails where it named
// two for one.
func said(t *testing.T, words string) map[string]string {
	t.Helper()
	paths := map[string]string{}
	for _, form := range []*regexp.Regexp{looking, taking} {
		for _, line := range form.FindAllStringSubmatch(words, -1) {
			path, tools := line[form.SubexpIndex("path")], line[form.SubexpIndex("tools")]
			for tool := range strings.SplitSeq(strings.ReplaceAll(tools, " and ", ", "), ", ") {
				if other := paths[tool]; other != "" && other != path {
					t.Errorf("login says of two files that %s looks there:\n%s", tool, words)
				}
				paths[tool] = path
			}
		}
	}
	return paths
}
