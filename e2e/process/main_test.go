// SPDX-License-Identifier: Apache-2.0

// Package process does to the program's process what a job can: it is signalled and
// killed at each step, finds no room on the disk, runs as a user whom nobody knows, and
// is watched for secrets.
package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// job is a sandbox, and the variables by which the program logs in to it.
type job struct {
	*sandbox.Sandbox
	env map[string]string
}

func newJob(t *testing.T, robots ...sandbox.Robot) job {
	t.Helper()
	sb, ca := lab.SandboxOf(t, sandbox.Config{Robots: robots})
	token, err := sb.Mint(sandbox.Token{Claims: map[string]any{"exp": time.Now().Add(time.Hour).Unix()}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(ca), "id-token")
	lab.Write(t, file, token, 0o600)
	return job{sb, map[string]string{
		"QUAY_REGISTRY": sb.Host, "QUAY_ROBOT": "acme+ci", "QUAY_CA_CERTIFICATE": ca, "QUAY_ID_TOKEN_FILE": file,
	}}
}

// before is an auth file in a form that no encoder writes.
const before = `{ "auths": {"other.example.com":{"auth":"b3RoZXI6c2VjcmV0"}, "KEY" : {"auth":"b2xkOm9sZA=="} },
	"unknown":1.0}`

// home is one that has such a file, unless text is "".
func (j job) home(t *testing.T, text string) home {
	t.Helper()
	return j.homeIn(t, t.TempDir(), text)
}

// homeIn is a home in this folder.
func (j job) homeIn(t *testing.T, folder, text string) home {
	t.Helper()
	h := home{job: j, folder: folder, text: strings.Replace(text, "KEY", j.Host, 1)}
	if text != "" {
		lab.Write(t, h.config(), h.text, 0o600)
		h.age(t)
	}
	return h
}

// home is a user's folder, with what docker's auth file in it held.
type home struct {
	job
	folder, text string
}

func (h home) config() string { return filepath.Join(h.folder, ".docker", "config.json") }

// age makes the auth file one that nobody has written a moment ago, for which a login
// waits.
func (h home) age(t *testing.T) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(h.config(), old, old); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// command is the program in this home, with more variables.
func (h home) command(variables []string, arguments ...string) lab.Command {
	env := map[string]string{"HOME": h.folder, "PATH": os.Getenv("PATH"), "XDG_RUNTIME_DIR": h.folder}
	for name, value := range h.env {
		env[name] = value
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return lab.Command{Dir: h.folder, Env: env, Args: append([]string{lab.Program()}, arguments...)}
}

// loggedIn fails the test unless the auth file has a login of acme+ci.
func (h home) loggedIn(t *testing.T) {
	t.Helper()
	if user, _ := lab.Login(t, lab.Read(t, h.config()), h.Host); user != "acme+ci" {
		t.Errorf("the auth file has a login as %q", user)
	}
}

// asBefore fails the test unless the auth file is what it was before the login, or has
// no login where there was none.
func (h home) asBefore(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(h.config())
	if err != nil && (h.text != "" || !os.IsNotExist(err)) {
		t.Fatal(err)
	}
	empty := strings.Join(strings.Fields(string(text)), "")
	if h.text == "" && (empty == "" || empty == `{"auths":{}}`) {
		return
	}
	if string(text) != h.text {
		t.Errorf("the auth file is now\n%s\nand was\n%s", text, h.text)
	}
}
