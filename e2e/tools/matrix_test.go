// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// Who an auth file may hold a login for.
const (
	nobodys = ""            // no login
	ours    = "acme+ci"     // by the program
	former  = "acme+former" // from before the job, in the file that the login goes to
	homes   = "acme+home"   // from before the job, in docker's file in the home
	podmans = "acme+podman" // from before the job, in podman's own file
)

// found is what each family of tools finds.
type found [docker + 1]string

// way is one way to log in and to tell the steps that follow of it.
type way struct {
	name   string
	flags  []string          // of login, as sh would read them in the job's folder
	env    map[string]string // what the user sets for the steps that follow, beside login's exports
	files  map[string]string // the logins from before, by auth file; "$OWN" is podman's own
	told   bool              // each tool is given the file that login named, not the variables
	login  found             // after the login
	logout found             // after the logout
	apart  found             // for a step without login's exports, after the logout
}

var all = found{ours, ours, ours}

// The last two are the trap: nothing tells docker's family of a file that is
// REGISTRY_AUTH_FILE, and crane looks there only where docker has no file.
var ways = []way{
	{name: "in place, first login", login: all},
	{
		name:  "in place",
		files: map[string]string{"home/.docker/config.json": former},
		login: all, logout: found{former, former, former}, apart: found{former, former, former},
	},
	{
		name:  "in place, podman has a login of its own",
		files: map[string]string{"home/.docker/config.json": former, "$OWN": podmans},
		login: all, logout: found{podmans, former, former}, apart: found{podmans, former, former},
	},
	{name: "isolated, first login", flags: []string{"--isolated"}, login: all},
	{
		name:  "isolated in a folder with a login",
		flags: []string{"--isolated", "--auth-dir", "auth"},
		files: map[string]string{"home/.docker/config.json": homes, "auth/config.json": former},
		login: all, logout: found{homes, homes, homes}, apart: found{homes, homes, homes},
	},
	{
		name:  "--authfile, tools told",
		flags: []string{"--authfile", "auth/config.json"}, told: true,
		files: map[string]string{"home/.docker/config.json": homes, "auth/config.json": former},
		login: all, logout: found{former, former, former}, apart: found{homes, homes, homes},
	},
	{
		name:  "--authfile and REGISTRY_AUTH_FILE, first login",
		flags: []string{"--authfile", "auth/auth.json"},
		env:   map[string]string{"REGISTRY_AUTH_FILE": "auth/auth.json"},
		login: found{ours, ours, nobodys},
	},
	{
		name:  "--authfile and REGISTRY_AUTH_FILE, docker's file is there",
		flags: []string{"--authfile", "auth/auth.json"},
		env:   map[string]string{"REGISTRY_AUTH_FILE": "auth/auth.json"},
		files: map[string]string{"home/.docker/config.json": homes, "auth/auth.json": former},
		login: found{ours, homes, homes}, logout: found{former, homes, homes}, apart: found{homes, homes, homes},
	},
}

// Whoever runs the job, with a folder for the session or without one: each tool
// finds our login where the program said that it would, and after the logout
// what was there before.
func TestEveryToolFindsTheLogin(t *testing.T) {
	sb, _ := lab.Sandbox(t)
	for _, uid := range users() {
		for _, session := range []bool{true, false} {
			for _, w := range ways {
				t.Run(fmt.Sprintf("user %d, XDG_RUNTIME_DIR %t, %s", uid, session, w.name), func(t *testing.T) {
					t.Parallel()
					j := newJob(t, uid, sb)
					w.prepare(t, j, session, sb.Host)
					w.prove(t, j, sb.Host)
				})
			}
		}
	}
}

// prepare makes the session's folder and the logins from before.
func (w way) prepare(t *testing.T, j *job, session bool, host string) {
	t.Helper()
	own := "home/.config/containers/auth.json"
	if session {
		j.env["XDG_RUNTIME_DIR"] = j.makeFolder(t, "session")
		own = "session/containers/auth.json"
	}
	for path, user := range w.files {
		j.hasLogin(t, filepath.Join(j.folder, strings.Replace(path, "$OWN", own, 1)), host, user)
	}
	j.makeFolder(t, "auth")
}

// prove logs in and out, and has every tool look in between and afterwards.
func (w way) prove(t *testing.T, j *job, host string) {
	login := j.login(t, host, w.flags...)
	paths := said(t, login.Stderr)
	w.checkSaid(t, paths, login.Stderr)
	env := j.evaluated(t, j.env, login.Stdout)
	for name, path := range w.env {
		env[name] = filepath.Join(j.folder, path)
	}
	w.expect(t, j, host, env, paths, "after login", w.login)

	logout := []string{"quay-keyless", "logout"}
	if w.told {
		logout = append(logout, w.flags...)
	}
	outcome := j.command(env, logout...).Must(t)
	lab.NoSecrets(t, "what logout said", outcome.Log())
	env = j.evaluated(t, env, outcome.Stdout)
	after := w.logout
	if env["REGISTRY_AUTH_FILE"] == filepath.Join(j.home, ".docker", "config.json") {
		after[containers] = after[docker] // login's cure for a user without a session
	}
	w.expect(t, j, host, env, paths, "after logout", after)
	for _, f := range finders {
		if f.unsettled(j) {
			continue
		}
		if user := f.find(t, j, j.env, host); user != w.apart[f.family] {
			t.Errorf("after logout, in another step, %s finds %q, not %q", f.name, user, w.apart[f.family])
		}
	}
}

// unsettled reports a tool of a user without a session, who is told of no file:
// it stops where root's podman has made /run/containers its own.
func (f finder) unsettled(j *job) bool {
	return j.uid != 0 && j.env["XDG_RUNTIME_DIR"] == "" && (f.name == "skopeo" || f.args[1] == "image")
}

// expect has every tool look.
func (w way) expect(t *testing.T, j *job, host string, env map[string]string, paths map[string]string, when string, want found) {
	t.Helper()
	for _, f := range finders {
		if f.unsettled(j) && env["REGISTRY_AUTH_FILE"] == "" {
			continue
		}
		var user string
		if w.told {
			user = f.findAt(t, j, host, paths["podman"])
		} else {
			user = f.find(t, j, env, host)
		}
		if user != want[f.family] {
			t.Errorf("%s %s finds %q, not %q (login's variables: %v)", when, f.name, user, want[f.family], changed(j.env, env))
		}
	}
}

// checkSaid fails where login did not name each tool that the login is for, or
// named another. Of --authfile it names those that have that flag too.
func (w way) checkSaid(t *testing.T, paths map[string]string, words string) {
	t.Helper()
	chosen := slices.Contains(w.flags, "--authfile")
	for tool, family := range map[string]family{"podman": containers, "buildah": containers, "skopeo": containers, "crane": crane, "docker": docker, "helm": docker} {
		named := family == containers || !chosen
		if _, said := paths[tool]; said != named {
			t.Errorf("login says where %s looks: %t, not %t\n%s", tool, said, named, words)
		}
	}
}

// changed are the variables of after that before does not have.
func changed(before, after map[string]string) map[string]string {
	difference := maps.Clone(after)
	maps.DeleteFunc(difference, func(name, value string) bool { return before[name] == value })
	return difference
}
