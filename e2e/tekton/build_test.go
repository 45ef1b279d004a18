// SPDX-License-Identifier: Apache-2.0

// Package tekton runs the example Task with our StepAction in our image, with
// a double of Tekton's controller and the kubelet around them.
package tekton

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

func TestBuild(t *testing.T) {
	p := newPod(t)
	p.mountVolumes(t)
	login := p.run(t, "login")
	if login.Exit != 0 {
		t.Fatalf("login: exit code %d\n%s", login.Exit, login.Log())
	}
	lab.NoSecrets(t, "the log", login.Log())

	results := p.readResults(t)
	want := map[string]string{
		"registry": p.sandbox.Host, "username": "acme+ci",
		"expires-at": results["expires-at"], "authfile": "/quay-auth/config.json",
	}
	if !maps.Equal(results, want) || want["expires-at"] == "" {
		t.Errorf("results %q", results)
	}
	authFile := filepath.Join(p.volumes["quay-auth"], "config.json")
	info, err := os.Stat(authFile)
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; info.Mode() != 0o600 || owner != 65532 {
		t.Errorf("the auth file has mode %v and belongs to %d", info.Mode(), owner)
	}
	if user, _ := lab.Login(t, lab.Read(t, authFile), p.sandbox.Host); user != "acme+ci" {
		t.Errorf("the auth file has a login as %q", user)
	}
	if push := p.run(t, "build-and-push"); push.Exit != 0 {
		t.Errorf("build-and-push: exit code %d\n%s", push.Exit, push.Log())
	}
}

// readResults is what Tekton would show of the step. It is public, so there is
// no token in it.
func (p *pod) readResults(t *testing.T) map[string]string {
	t.Helper()
	files, err := os.ReadDir(p.results)
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	for _, file := range files {
		results[file.Name()] = lab.Read(t, filepath.Join(p.results, file.Name()))
		lab.NoSecrets(t, "the result "+file.Name(), results[file.Name()])
	}
	return results
}

// A token for another audience: Quay's refusal is the step's last line.
func TestWrongAudience(t *testing.T) {
	p := newPod(t)
	i := slices.IndexFunc(p.task.Volumes, func(v volume) bool { return v.Projected != nil })
	p.task.Volumes[i].Projected.Sources[0].ServiceAccountToken.Audience = "of-someone-else"
	p.mountVolumes(t)
	login := p.run(t, "login")
	lines := strings.Split(strings.TrimSpace(login.Stderr), "\n")
	if last := lines[len(lines)-1]; login.Exit != 4 || !strings.HasPrefix(last, "error: ") {
		t.Errorf("exit code %d\n%s", login.Exit, login.Log())
	}
	lab.NoSecrets(t, "the log", login.Log())
	if results := p.readResults(t); len(results) > 0 {
		t.Errorf("results %q", results)
	}
	if push := p.run(t, "build-and-push"); push.Exit == 0 {
		t.Error("a push went through without a login")
	}
}
