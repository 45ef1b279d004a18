// SPDX-License-Identifier: Apache-2.0

// Package act runs GitHub workflows on this machine: nektos/act in host mode,
// with the Node of GitHub's runner, a home of the job's own, and no network but
// the loopback.
//
// What act does differently from GitHub, as far as it matters here: it does not
// enforce `permissions:` and gives every step the variables that the test sets,
// ID token request included; steps write to a terminal, and what one that fails
// says last may be lost; a cancelled step is killed at once; a local action is
// copied without what git ignores; and its JSON has commands in clear beside
// what it shows, so only the latter counts as the job's log.
package act

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// Machine is one that runs jobs, like a runner of GitHub's that is new.
type Machine struct {
	Home  string            // of the jobs' user; its path has a space in it
	Env   map[string]string // what every step sees, beside what the runner sets
	Event string            // what happened in the checkout: push, pull_request
	// Actions are folders by what a workflow says in uses:, OWNER/NAME@REF.
	Actions map[string]string
}

// New makes a machine whose jobs see this environment. Node comes first in its
// PATH. Requests that leave the machine fail.
func New(t *testing.T, env map[string]string) *Machine {
	t.Helper()
	m := &Machine{Home: filepath.Join(t.TempDir(), "the home"), Env: maps.Clone(env), Event: "push", Actions: map[string]string{}}
	if err := os.Mkdir(m.Home, 0o700); err != nil {
		t.Fatal(err)
	}
	const nowhere = "http://127.0.0.1:1"
	maps.Copy(m.Env, map[string]string{
		"HOME": m.Home, "PATH": filepath.Dir(Node(t)) + ":" + env["PATH"],
		"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "XDG_RUNTIME_DIR": "",
	})
	return m
}

// Node is the Node of GitHub's runner, which e2e/setup.sh installs.
func Node(t *testing.T) string {
	t.Helper()
	cpu := runtime.GOARCH
	if cpu == "amd64" {
		cpu = "x64"
	}
	return Installed(t, filepath.Join("node_modules", "node-"+runtime.GOOS+"-"+cpu, "bin", "node"))
}

// Installed is a program that e2e/setup.sh installs, by its path below e2e/.
func Installed(t *testing.T, name string) string {
	t.Helper()
	path := lab.Path("e2e", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is needed: run e2e/setup.sh (%v)", filepath.Base(name), err)
	}
	return path
}

// Repository makes a git repository with one commit of these files, by path.
func Repository(t *testing.T, files map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range files {
		lab.Write(t, filepath.Join(folder, name), content, 0o644)
	}
	Commit(t, folder)
	return folder
}

// Commit makes a repository of a folder, with one commit of all that is in it.
func Commit(t *testing.T, folder string) {
	t.Helper()
	for _, arguments := range []string{"init --quiet --initial-branch main", "add --all --force", "commit --quiet --message all"} {
		command := append([]string{"git", "-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}, strings.Fields(arguments)...)
		lab.Command{Dir: folder, Env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": folder}, Args: command}.Must(t)
	}
}

// Run runs a workflow, which is YAML text, for an event in this checkout, which
// is a git repository; options are act's. It gives what a reader of the job's page
// would see, of failed jobs too; a workflow that act does not run fails the test.
func (m *Machine) Run(t *testing.T, checkout, workflow string, options ...string) Log {
	t.Helper()
	file := filepath.Join(t.TempDir(), "workflow.yml")
	lab.Write(t, file, workflow, 0o644)
	arguments := []string{
		Installed(t, "bin/act"), m.Event, "--json", "--no-cache-server", "--directory", checkout, "--workflows", file,
		"--platform", "ubuntu-latest=-self-hosted", "--platform", "self-hosted=-self-hosted", "--action-cache-path", t.TempDir(),
	}
	for uses, folder := range m.Actions {
		arguments = append(arguments, "--local-repository", uses+"="+folder)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Env)) {
		arguments = append(arguments, "--env", name+"="+m.Env[name])
	}
	outcome := lab.Command{Dir: checkout, Env: m.Env, Args: append(arguments, options...)}.Run(t)
	log := parse(t, outcome.Stdout)
	if len(log.jobs) == 0 {
		t.Fatalf("act ran no job: exit code %d\n%s", outcome.Exit, outcome.Log())
	}
	return log
}
