// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

// user is somebody with a home of his own, at a sandbox of his own.
type user struct {
	box       *sandbox.Sandbox
	home      string
	variables map[string]string
	interrupt syscall.Signal // the signal that ends each command, 0 for none
}

// newUser is a job on GitHub. The robots are the sandbox's own, and one for the
// organization of a job on Buildkite.
func newUser(t *testing.T) *user {
	t.Helper()
	kite := sandbox.Robot{Name: "acme+kite", Federation: []sandbox.Entry{{Issuer: "buildkite", Subject: "018e5a22-0000-7085-bb28-db0f83f43a1c"}}}
	box := startSandbox(t, sandbox.Config{Robots: append(sandbox.DefaultRobots(), kite)})
	u := &user{box: box, home: t.TempDir(), variables: box.GitHubEnv(sandbox.Job{})}
	delete(u.variables, "GITHUB_ACTIONS") // whose words would be commands
	maps.Copy(u.variables, map[string]string{"HOME": u.home, "QUAY_CA_CERTIFICATE": string(box.CA), "QUAY_API_TOKEN": box.APIToken()})
	return u
}

// does runs the program, or the helper of the other name.
func (u *user) does(t *testing.T, program func(context.Context, process.Env) int, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	env := inProcess(u.variables, args...)
	env.Stdin = strings.NewReader(stdin)
	env.Interruptible = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		if u.interrupt != 0 {
			cancel(&process.Interrupted{Signal: u.interrupt})
		}
		return ctx, func() { cancel(nil) }
	}
	return run(t, program, env)
}

// must is [user.does] with an exit code.
func (u *user) must(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, stdout, stderr := u.does(t, cli.Main, "", args...)
	if code != want {
		t.Fatalf("%v: exit code %d, not %d: %s", args, code, want, stderr)
	}
	return stdout
}

// exits are the exit codes, each of a command that ends so.
func (s surface) exits(t *testing.T) {
	u := newUser(t)
	broken := filepath.Join(t.TempDir(), "auth.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := []string{"login", u.box.Host, "--robot", "acme+ci"}
	for _, row := range []struct {
		of     string
		change func()
		args   []string
	}{
		{"done", nil, login},
		{"an auth file that cannot be used, or anything else", nil, append(login, "--authfile", broken)},
		{"a command line or a variable that makes no sense", nil, append(login, "--no-such-flag")},
		{"a refusal by Quay or its registry", nil, []string{"login", u.box.Host, "--robot", "acme+nobody"}},
		{"a check that was not granted", nil, append(login, "--check", "partner/app")},
		{"an endpoint that was not reached, is not trusted, or is ill", nil, []string{"login", "127.0.0.1:1", "--robot", "acme+ci"}},
		{"findings or changes, with --exit-code", func() { u.variables["QUAY_API_TOKEN"] = u.box.APIToken() }, []string{"audit", u.box.Host, "--org", "acme", "--exit-code"}},
		{"SIGINT", func() { u.interrupt = syscall.SIGINT }, login},
		{"SIGTERM", func() { u.interrupt = syscall.SIGTERM }, login},
		{"no usable ID token", func() { u.interrupt = 0; delete(u.variables, "ACTIONS_ID_TOKEN_REQUEST_URL") }, login},
	} {
		if row.change != nil {
			row.change()
		}
		code, _, _ := u.does(t, cli.Main, "", row.args...)
		s.add("exit", strconv.Itoa(code), row.of)
	}
}

// json are the fields of what programs read.
func (s surface) json(t *testing.T) {
	u := newUser(t)
	values := map[string]string{".apiVersion": "", ".kind": "", ".type": "", ".metadata.name": "", ".links[].name": "", ".links[].result": ""}
	for _, of := range []struct {
		command, output string
		exit            int
		robot           string
	}{
		{"whoami", "json", 0, ""},
		{"token", "json", 0, "acme+ci"},
		{"token", "kubernetes-secret", 0, "acme+ci"},
		{"token", "argocd", 0, "acme+ci"},
		{"token", "renovate", 0, "acme+ci"},
		{"doctor", "json", 0, "acme+ci"},
		{"doctor", "json", 4, "acme+nobody"},
		{"federation list", "json", 0, "acme+ci"},
	} {
		args := append(strings.Fields(of.command), u.box.Host, "--output", of.output)
		if of.robot != "" {
			args = append(args, "--robot", of.robot)
		}
		s.document(t, "json", of.command+" --output "+of.output, u.must(t, of.exit, args...), nil, values)
	}
}

// document is [surface.shapeOf] a text.
func (s surface) document(t *testing.T, kind, of, text string, names, values map[string]string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", of, err)
	}
	s.shapeOf(kind, of, value, "", names, values)
}

// files are the formats of the files that logins leave, and of what they save for the
// action's post phase. A version that grows is another format: older programs stop there.
func (s surface) files(t *testing.T) {
	u := newUser(t)
	names := map[string]string{u.box.Host: "HOST", filepath.Join(u.home, ".docker", "config.json"): "AUTHFILE"}
	values := map[string]string{".version": "", ".credHelpers.HOST": ""}
	config := filepath.Join(u.home, ".docker", "config.json")
	u.github(t)
	login := []string{"login", u.box.Host, "--robot", "acme+ci"}
	for _, way := range [][]string{nil, {"--credential-helper"}} {
		u.must(t, 0, append(login[:len(login):len(login)], way...)...)
		s.document(t, "file", "the auth file", readAll(t, config), names, values)
	}
	u.must(t, 0, append(login, "--isolated", "--auth-dir", filepath.Join(u.home, "isolated"))...)

	for file, what := range map[string]string{"GITHUB_STATE": "saved for the post phase", "GITHUB_ENV": "set for the steps that follow"} {
		for _, found := range regexp.MustCompile(`(?m)^(\w+)<<`).FindAllStringSubmatch(readAll(t, u.variables[file]), -1) {
			s.add("action", what, found[1])
		}
	}
}

// github has the runner's files for the user's steps.
func (u *user) github(t *testing.T) {
	t.Helper()
	u.variables["GITHUB_ACTIONS"] = "true"
	for _, file := range []string{"GITHUB_STATE", "GITHUB_ENV", "GITHUB_OUTPUT"} {
		u.variables[file] = filepath.Join(u.home, file)
		write(t, u.variables[file], "")
	}
}

// helper is the protocol of the credential helper.
func (s surface) helper(t *testing.T) {
	u := newUser(t)
	u.must(t, 0, "login", u.box.Host, "--robot", "acme+ci", "--credential-helper")
	for _, row := range []struct{ argument, stdin string }{
		{"get", u.box.Host}, {"get", "other.example.com"}, {"store", "{}"}, {"erase", u.box.Host}, {"list", ""},
	} {
		code, stdout, _ := u.does(t, cli.CredentialHelper, row.stdin, row.argument)
		var answer map[string]string
		if err := json.Unmarshal([]byte(stdout), &answer); err == nil {
			for name := range answer {
				s.add("helper", row.argument, name)
			}
			if len(answer) > 0 {
				continue
			}
		}
		line := strings.TrimSpace(stdout)
		if row.argument == "store" && line != "" {
			line = "and one line of words"
		}
		s.add("helper", row.argument, strings.TrimSpace("exit code "+strconv.Itoa(code)+" "+line))
	}
}

func readAll(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
