// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/e2e/lab"
)

// killed is a command that is ended in each of its steps, and what leads to it.
type killed struct {
	text    string   // of the auth file before, "" for none
	login   []string // the login that precedes a logout, and that follows all
	command []string
	github  bool // it is a job whose end runs action/post.js
}

var (
	login  = []string{"login"}
	helper = []string{"login", "--credential-helper"}
	logout = []string{"logout"}
)

// TestKilledInEachStep ends the program at each system call that changes a file, by
// SIGKILL and by one of the signals that it can answer. The auth file is whole, what is in it is the old login or the new one, the
// exit code and the words tell which, no lock is left that holds anybody, and the next
// login and logout leave nothing behind.
func TestKilledInEachStep(t *testing.T) {
	for name, k := range map[string]killed{
		"login":              {text: before, login: login, command: login},
		"first login":        {login: login, command: login},
		"logout":             {text: before, login: login, command: logout},
		"login by helper":    {text: before, login: helper, command: helper},
		"logout from helper": {text: before, login: helper, command: logout},
		"GitHub job":         {text: before, login: login, command: login, github: true},
		"token into a file":  {text: before, login: login, command: []string{"token", "--output-file", "~/token"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			steps := k.run(t, j, 0, 0).steps
			if len(steps) < 4 {
				t.Fatalf("only %d steps: %q", len(steps), steps)
			}
			for at := 1; at <= len(steps); at++ {
				gentle := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[at%2]
				for _, signal := range []syscall.Signal{syscall.SIGKILL, gentle} {
					t.Run(fmt.Sprintf("%v/%d", signal, at), func(t *testing.T) {
						if got := k.run(t, j, signal, at).steps; len(got) < at || shape(got[at-1]) != shape(steps[at-1]) {
							t.Errorf("it went another way: %q", got)
						}
					})
				}
			}
		})
	}
}

// number is that of a temporary file.
var number = regexp.MustCompile(`\.\d+`)

// shape is a step without it.
func shape(step string) string { return number.ReplaceAllString(step, "") }

// run is one home in which the command is ended, and put right again.
func (k killed) run(t *testing.T, j job, signal syscall.Signal, at int) traced {
	h := j.home(t, k.text)
	out := k.command[0] == "logout"
	if out {
		h.command(nil, k.login...).Must(t)
		h.age(t)
	}
	command := h.command(k.variables(h), k.command...)
	for i, argument := range command.Args {
		command.Args[i] = strings.Replace(argument, "~", h.folder, 1)
	}
	got := trace(t, command, h.folder, signal, at)
	k.expectEnd(t, h, got, signal)
	lab.NoSecrets(t, "what it said", masked(got.said))
	expectPrivate(t, h)
	if k.github {
		h.command(k.post(t, h), "logout").Must(t)
		h.asBefore(t)
		h.expectNothingElse(t)
		return got
	}
	h.age(t)
	h.command([]string{"QUAY_TIMEOUT=60s"}, k.login...).Must(t)
	h.command(nil, "logout").Must(t)
	h.asBefore(t)
	if k.command[0] == "token" { // it sweeps what the killed one left
		h.command(nil, "token", "--output-file", filepath.Join(h.folder, "token")).Must(t)
	}
	h.expectNothingElse(t)
	return got
}

// variables are those of a GitHub job, if it is one.
func (k killed) variables(h home) []string {
	if !k.github {
		return nil
	}
	list := []string{"GITHUB_ACTIONS=true", "GITHUB_RUN_ID=1", "RUNNER_NAME=one"}
	for _, name := range []string{"GITHUB_STATE", "GITHUB_OUTPUT", "GITHUB_ENV"} {
		list = append(list, name+"="+filepath.Join(h.folder, name))
	}
	return list
}

// post are the variables of the job's end: what action/post.js makes of GITHUB_STATE.
func (k killed) post(t *testing.T, h home) []string {
	t.Helper()
	list := k.variables(h)
	state, err := os.ReadFile(filepath.Join(h.folder, "GITHUB_STATE"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := strings.Split(string(state), "\n")
	for i, line := range lines {
		if name, delimiter, heredoc := strings.Cut(line, "<<"); heredoc {
			if end := slices.Index(lines[i+1:], delimiter); end >= 0 {
				list = append(list, "QUAY_"+strings.ToUpper(name)+"="+strings.Join(lines[i+1:][:end], "\n"))
			}
		}
	}
	return list
}

// masked is what a job's log shows.
func masked(said string) string {
	var shown strings.Builder
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "::add-mask::") {
			shown.WriteString(line)
		}
	}
	return shown.String()
}

// expectEnd holds the exit code to the words, and both to the auth file.
func (k killed) expectEnd(t *testing.T, h home, got traced, signal syscall.Signal) {
	t.Helper()
	text, err := os.ReadFile(h.config())
	in := err == nil && (strings.Contains(string(text), "YWNtZStja") || strings.Contains(string(text), "credHelpers"))
	if err == nil {
		lab.Login(t, string(text), h.Host) // it is whole
		if h.text != "" && !strings.Contains(string(text), `"other.example.com":{"auth":"b3RoZXI6c2VjcmV0"}`) {
			t.Errorf("another tool's login is lost: %s", text)
		}
	}
	if strings.Contains(got.said, "locked by another") {
		t.Errorf("nobody else is there:\n%s", got.said)
	}
	switch code := got.ended.ExitStatus(); {
	case signal == syscall.SIGKILL:
		if !got.ended.Signaled() {
			t.Errorf("it was not killed: exit code %d", code)
		}
	case code == 0:
		if want := k.command[0] == "login"; in != want && k.command[0] != "token" {
			t.Errorf("exit code 0, and a login is there: %t\n%s", in, got.said)
		}
	case signal == 0 || code != 128+int(signal) || !strings.Contains(got.said, "ended by signal: "+signal.String()):
		t.Errorf("exit code %d (%v)\n%s", code, got.ended, got.said)
	case in && k.command[0] == "login": // a logout may have been in its last steps
		t.Errorf("exit code %d, and a login is there: %t\n%s", code, in, got.said)
	}
}

// expectPrivate fails the test for each file of the login that others may read.
func expectPrivate(t *testing.T, h home) {
	t.Helper()
	err := filepath.WalkDir(h.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), "GITHUB_") {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// expectNothingElse fails the test if more than the auth file is left, the token that was
// asked for, and the files that a GitHub runner makes.
func (h home) expectNothingElse(t *testing.T) {
	t.Helper()
	expected := []string{h.folder, filepath.Dir(h.config()), h.config(), filepath.Join(h.folder, "token"), filepath.Join(h.folder, "containers")}
	err := filepath.WalkDir(h.folder, func(path string, _ fs.DirEntry, err error) error {
		if !slices.Contains(expected, path) && !strings.HasPrefix(filepath.Base(path), "GITHUB_") {
			t.Errorf("left behind: %s", strings.TrimPrefix(path, h.folder))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
