// SPDX-License-Identifier: Apache-2.0

package github

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"quay-keyless/e2e/lab"
)

// A main phase that was killed at once has saved nothing. The post phase, which
// has the same inputs, does not take itself for the main one.
func TestPostWithoutState(t *testing.T) {
	_, r, inputs := job(t)
	former := lab.Read(t, r.config())
	if post := r.uses(release(t), inputs).post(t); post.Exit != 0 || post.Log() != "" {
		t.Errorf("post: exit code %d, %q", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("the auth file is now\n%s", now)
	}
}

// Jobs of one user at once do not damage the auth file, nor does any fail or take
// another's login away, and when all are over it is as it was.
func TestJobsAtOnce(t *testing.T) {
	sb, r, inputs := job(t)
	former := lab.Read(t, r.config())
	action := release(t)
	var jobs sync.WaitGroup
	for i := range 4 {
		step := r.uses(action, inputs)
		step.env["RUNNER_NAME"] = fmt.Sprint("runner ", i)
		jobs.Go(func() {
			main := step.main(t)
			if user, _ := lab.Login(t, lab.Read(t, r.config()), sb.Host); user != "acme+ci" {
				t.Errorf("a job is logged in as %q", user)
			}
			post := step.post(t)
			if main.Exit != 0 || post.Exit != 0 || len(annotations("warning", main.Stdout+post.Stdout)) != 0 {
				t.Errorf("main: exit code %d\n%s\npost: exit code %d\n%s", main.Exit, main.Log(), post.Exit, post.Log())
			}
		})
	}
	jobs.Wait()
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("the auth file is now\n%s", now)
	}
}

// The job that ends first leaves the login that the other one still needs.
func TestJobsThatOverlap(t *testing.T) {
	sb, r, inputs := job(t)
	former := lab.Read(t, r.config())
	action := release(t)
	first, second := r.uses(action, inputs), r.uses(action, inputs)
	first.env["RUNNER_NAME"], second.env["RUNNER_NAME"] = "one", "two"
	first.main(t)
	second.main(t)
	login := lab.Read(t, r.config())
	if post := first.post(t); post.Exit != 0 || !strings.Contains(post.Stdout, "left "+sb.Host) {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
	if now := lab.Read(t, r.config()); now != login {
		t.Errorf("the first job's end changed the auth file to\n%s", now)
	}
	second.post(t)
	if now := lab.Read(t, r.config()); now != former {
		t.Errorf("after both posts the auth file is\n%s", now)
	}
}

// In folders of their own, jobs of one user do not log each other out.
func TestIsolatedJobsAtOnce(t *testing.T) {
	sb, r, inputs := job(t)
	inputs["isolated"] = "true"
	action := release(t)
	first, second := r.uses(action, inputs), r.uses(action, maps.Clone(inputs))
	first.main(t)
	file := second.main(t).outputs["authfile"]
	if post := first.post(t); post.Exit != 0 || len(annotations("warning", post.Stdout)) != 0 {
		t.Errorf("post: exit code %d\n%s", post.Exit, post.Log())
	}
	if user, _ := lab.Login(t, lab.Read(t, file), sb.Host); user != "acme+ci" {
		t.Errorf("the first job's end left the second one logged in as %q", user)
	}
}
