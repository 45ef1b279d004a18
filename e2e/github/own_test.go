// SPDX-License-Identifier: Apache-2.0

package github

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
)

// The project's own workflow shows the action on itself: it builds the program
// and a sandbox, logs in without any input but the job's variables, and pushes.
func TestOwnWorkflow(t *testing.T) {
	env := lab.Containers(t, os.Getenv("PATH"))
	env["PATH"] = os.Getenv("PATH")
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env[name] = strings.TrimSpace(string(value))
	}
	m := act.New(t, env)
	text := lab.Read(t, lab.Path(".github", "workflows", "ci.yml"))
	setup := regexp.MustCompile(`actions/setup-go@\w+`).FindString(text)
	m.Actions[setup] = act.Repository(t, map[string]string{"action.yml": here})
	log := m.Run(t, lab.Path(), text, "--job", "action")
	if log.Result("action") != "success" {
		t.Fatalf("the job ended with %q\n%s", log.Result("action"), log.Shown)
	}
	lab.NoSecrets(t, "the log", log.Shown)
	if post := log.Post("action", "quay"); post.Result != "success" || !strings.Contains(post.Output, "logged out of ") {
		t.Errorf("post: %+v", post)
	}
}

// here stands for actions/setup-go on a machine that has Go.
const here = `
name: setup-go
description: Go is here.
inputs:
  go-version-file: {description: "", required: true}
  cache: {description: "", required: true}
runs:
  using: composite
  steps:
    - run: go version
      shell: sh
`
