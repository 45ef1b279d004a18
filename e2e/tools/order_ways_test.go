// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// start is what a job has before any login.
type start struct {
	name   string
	files  map[string]string // user by auth file, for a third registry
	debian []string          // Debian's own programs that look too
	same   bool              // the neighbours log in to our registry as another robot
	with   []string          // the neighbours; nil for all
	skip   []string          // ways in which these files make no difference
}

var starts = []start{
	{name: "no files", debian: []string{"podman", "skopeo"}},
	{name: "same registry", same: true, with: []string{"podman login", "podman-login action", "docker login", "helm registry login"}, skip: []string{"authfile"}},
	{name: "both files", with: []string{"podman login", "podman-login action", "docker login"}, skip: []string{"authfile", "helper"}, files: map[string]string{"home/.docker/config.json": former, "session/containers/auth.json": podmans}},
}

// job makes a job of a user with a session.
func (s start) job(t *testing.T, p places) *job {
	t.Helper()
	j := newJob(t, users()[0], p.sandbox)
	j.env["XDG_RUNTIME_DIR"] = j.makeFolder(t, "session")
	j.env["SSL_CERT_FILE"], j.same = j.ca, s.same
	for path, user := range s.files {
		j.hasLogin(t, filepath.Join(j.folder, path), beforeHost, user)
	}
	return j
}

// ourWay is one way of our login.
type ourWay struct {
	name  string
	flags []string
	told  bool // only tools that are told of the file find the login
}

var ourWays = []ourWay{
	{name: "in place"},
	{name: "isolated", flags: []string{"--isolated"}},
	{name: "authfile", flags: []string{"--authfile", "private/auth.json"}, told: true},
	{name: "helper", flags: []string{"--credential-helper"}},
}

func (w ourWay) isolated() bool { return w.name == "isolated" }

func (w ourWay) helper() bool { return w.name == "helper" }

func (w ourWay) login(t *testing.T, j *job, host string) (said string, ok bool) {
	t.Helper()
	if w.told {
		j.makeFolder(t, "private")
	}
	outcome := j.loginCommand(host, w.flags...).Run(t)
	j.env = j.evaluated(t, j.env, outcome.Stdout)
	return outcome.Stderr, outcome.Exit == 0
}

func (w ourWay) logout(t *testing.T, j *job) string {
	t.Helper()
	arguments := []string{"quay-keyless", "logout"}
	if w.told {
		arguments = append(arguments, w.flags...)
	}
	outcome := j.command(j.env, arguments...).Must(t)
	j.env = j.evaluated(t, j.env, outcome.Stdout)
	return outcome.Stderr
}

// check has tools look that must be told of the file.
func (w ourWay) check(t *testing.T, j *job, p places) {
	t.Helper()
	if !w.told {
		return
	}
	env := maps.Clone(j.env)
	env["REGISTRY_AUTH_FILE"] = filepath.Join(j.folder, "private", "auth.json")
	if user, _, _ := strings.Cut(j.command(env, "probe", "podman", p.images[here]).Must(t).Stdout, "\n"); user != ours {
		t.Errorf("podman finds %q in the file of --authfile", user)
	}
}

// neighbour is another tool that logs in and out.
type neighbour struct {
	name          string
	command       func(verb, host, user string) []string      // verb is login or logout
	organizations bool                                        // it knows logins for an organization
	action        bool                                        // redhat-actions/podman-login
	scope         func(j *job, host string) map[string]string // for its own commands
}

var neighbours = []neighbour{
	{name: "podman login", command: byCommand("podman"), organizations: true},
	{name: "podman-login action", command: byCommand("podman"), action: true},
	{name: "docker login", command: byLibrary("docker")},
	{name: "docker/login-action", command: byDocker},
	{name: "docker/login-action, scope", command: byDocker, scope: func(j *job, host string) map[string]string {
		folder := cmp.Or(j.env["BUILDX_CONFIG"], filepath.Join(cmp.Or(j.env["DOCKER_CONFIG"], filepath.Join(j.home, ".docker")), "buildx"))
		return map[string]string{"DOCKER_CONFIG": filepath.Join(folder, "config", host, "acme")}
	}},
	{name: "helm registry login", command: byLibrary("helm")},
	{name: "oras login", command: byLibrary("oras")},
	{name: "crane auth login", command: byLibrary("crane")},
}

func byCommand(tool string) func(verb, host, user string) []string {
	return func(verb, host, user string) []string {
		if verb == "logout" {
			return []string{tool, verb, host}
		}
		return []string{tool, verb, "--username", user, "--password", aSecret, host}
	}
}

func byLibrary(library string) func(verb, host, user string) []string {
	return func(verb, host, user string) []string {
		if verb == "logout" {
			return []string{"probe", verb, library, host}
		}
		return []string{"probe", verb, library, host, user, aSecret}
	}
}

// byDocker is the docker CLI if this machine has it, else its library.
func byDocker(verb, host, user string) []string {
	if _, err := exec.LookPath("docker"); err == nil {
		return byCommand("docker")(verb, host, user)
	}
	return byLibrary("docker")(verb, host, user)
}

func (n neighbour) login(t *testing.T, j *job, p places) {
	t.Helper()
	n.run(t, j, "login", p)
	if n.action {
		j.env["REGISTRY_AUTH_FILE"] = filepath.Join(j.env["XDG_RUNTIME_DIR"], "containers", "auth.json")
		for host := range n.accounts(j, p) {
			j.copyForDocker(t, host, func(docker, podman map[string]any) { docker[host] = podman[host] })
		}
	}
}

func (n neighbour) logout(t *testing.T, j *job, p places) {
	t.Helper()
	n.run(t, j, "logout", p)
	if n.action {
		for host := range n.accounts(j, p) {
			j.copyForDocker(t, host, func(docker, _ map[string]any) { delete(docker, host) })
		}
	}
}

// copyForDocker edits docker's file in the home folder as the podman-login action does: it
// needs auths in that file, reads podman's file, and writes the file anew.
func (j *job) copyForDocker(t *testing.T, host string, edit func(docker, podman map[string]any)) {
	t.Helper()
	read := func(path string) map[string]any {
		content := map[string]any{"auths": map[string]any{}}
		text, err := os.ReadFile(path)
		if err == nil {
			content = nil
			err = json.Unmarshal(text, &content)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return content
	}
	path := filepath.Join(j.home, ".docker", "config.json")
	docker, podman := read(path), read(j.env["REGISTRY_AUTH_FILE"])
	auths, ok := docker["auths"].(map[string]any)
	if !ok {
		t.Fatalf("the podman-login action fails: there is no auths in %s", path)
	}
	logins, _ := podman["auths"].(map[string]any)
	edit(auths, logins)
	text, err := json.MarshalIndent(docker, "", "        ")
	if err != nil {
		t.Fatal(err)
	}
	lab.Write(t, path, string(text), 0o600)
}

// accounts are the users that the neighbour logs in as, by registry.
func (n neighbour) accounts(j *job, p places) map[string]string {
	switch {
	case j.same:
		return map[string]string{p.host(here): theirs}
	case n.organizations:
		return map[string]string{p.host(elsewhere): elsewheres, filepath.Dir(p.images[besides]): besidess}
	}
	return map[string]string{p.host(elsewhere): elsewheres}
}

func (n neighbour) run(t *testing.T, j *job, verb string, p places) {
	t.Helper()
	accounts := n.accounts(j, p)
	for _, registry := range slices.Sorted(maps.Keys(accounts)) {
		env := maps.Clone(j.env)
		if n.scope != nil {
			maps.Copy(env, n.scope(j, registry))
		}
		if said := j.command(env, n.command(verb, registry, accounts[registry])...).Run(t); said.Exit != 0 && verb == "login" {
			t.Fatalf("%s: %s", n.name, said.Log())
		}
	}
}

// documented reports a cell that no login can help. docs/github.md tells them under
// Other login steps.
func (r *row) documented(tool string, image, moment int) bool {
	tool = strings.TrimPrefix(tool, "Debian's ")
	containers := tool == "podman" || tool == "skopeo" || tool == "image"
	isolated := r.way.isolated()
	oursIsIn, _ := r.order.at(moment)
	podman := strings.HasPrefix(r.neighbour.name, "podman")
	switch {
	case isolated && oursIsIn && tool == "crane" && image == besides: // docker's file has one login for a registry
		return true
	case !r.order.in && !r.order.out: // their logout removed a copy, ours restores the original
		return moment == 4 && (isolated || r.start.same && r.way.helper())
	case !r.order.in:
		return false
	case isolated && r.neighbour.action: // ignores DOCKER_CONFIG and REGISTRY_AUTH_FILE
		return true
	case !oursIsIn:
		return false
	case podman && tool == "crane": // reads podman's file only if docker has none
		return image == elsewhere || image == besides
	case isolated: // podman reads auth.json alone
		return containers && image == elsewhere
	case r.way.helper(): // goes before an organization's login in the same file
		return podman && image == besides && containers
	}
	return false
}
