// SPDX-License-Identifier: Apache-2.0

package github

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

const examples = "docs/examples/github"

// lintOnly are the examples that act cannot run: they need a container engine.
// TestLint checks them with the others.
var lintOnly = []string{"container.yml", "docker.yml", "reusable.yml"} // caller.yml runs the last

// example is how one is run, beside what it says itself.
type example struct {
	replace  []string // pairs, beside the names of the registries
	options  []string // act's
	distrust bool     // the CA of the registries comes from the example alone
}

// Each example goes through as it stands, but for the registries' names, and
// leaves nothing behind.
func TestExamples(t *testing.T) {
	event := filepath.Join(t.TempDir(), "event.json")
	lab.Write(t, event, `{"pull_request": {"head": {"repo": {"full_name": "acme/app"}}}}`, 0o644)
	special := map[string]func(ca string) example{
		"pull-request.yml": func(string) example { return example{options: []string{"--eventpath", event}} },
		"ghes.yml": func(ca string) example {
			return example{replace: []string{"/etc/pki/ca-trust/source/anchors/house.pem", ca}, distrust: true}
		},
		"private-ca.yml": func(ca string) example {
			return example{options: []string{"--var", "QUAY_CA=" + lab.Read(t, ca)}, distrust: true}
		},
	}
	for _, file := range exampleFiles(t) {
		if slices.Contains(lintOnly, file) {
			continue
		}
		t.Run(file, func(t *testing.T) {
			quay, mirror, ca := registries(t)
			example := example{}
			if of := special[file]; of != nil {
				example = of(ca)
			}
			runExample(t, file, example, quay, mirror, ca)
		})
	}
}

// exampleFiles are the names of all examples.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(lab.Path(examples))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// jobOf is what GitHub would say of the example's job in its ID token. act takes
// no notice of environments.
func jobOf(t *testing.T, file string) sandbox.Job {
	t.Helper()
	var workflow struct {
		On   any
		Jobs map[string]struct{ Environment string }
	}
	decode(t, filepath.Join(examples, file), &workflow)
	of := sandbox.Job{Event: "push"}
	if workflow.On == "pull_request" {
		of.Event = "pull_request"
	}
	for _, job := range workflow.Jobs {
		of.Environment = job.Environment
	}
	return of
}

func runExample(t *testing.T, file string, example example, quay, mirror *sandbox.Sandbox, ca string) {
	m := machine(t, quay, ca)
	job := jobOf(t, file)
	m.Event = job.Event
	maps.Copy(m.Env, quay.GitHubEnv(job))
	m.Actions["OWNER/quay-keyless@"+strings.Repeat("0", 40)] = m.Actions["OWNER/quay-keyless@v1"]
	if !example.distrust {
		m.Env["SSL_CERT_FILE"] = ca
	}
	names := strings.NewReplacer(append(example.replace, "quay.example.com", quay.Host, "mirror.example.com", mirror.Host)...)
	text := func(name string) string { return names.Replace(lab.Read(t, lab.Path(examples, name))) }
	checkout := app(t)
	lab.Write(t, filepath.Join(checkout, "build.sh"), slow, 0o755)
	lab.Write(t, filepath.Join(checkout, ".github", "workflows", "reusable.yml"), text("reusable.yml"), 0o644)
	seed(t, m, quay)
	former := lab.Read(t, config(m))
	log := m.Run(t, checkout, text(file), example.options...)
	if !log.Succeeded() {
		t.Errorf("the run failed\n%s", log.Shown)
	}
	lab.NoSecrets(t, "the log", log.Shown)
	if now := lab.Read(t, config(m)); now != former {
		t.Errorf("after the job the auth file is\n%s", now)
	}
}

// slow is a build that takes hours, by the registry's clock.
const slow = `#!/bin/sh
set -eu
curl --fail --silent --show-error --request POST "$SANDBOX/sandbox/clock?advance=3h"
podman build --tag "$1" .
`

// registries are those that the examples name, with the robots.
func registries(t *testing.T) (quay, mirror *sandbox.Sandbox, ca string) {
	t.Helper()
	robot := func(name, issuer, audience string, job sandbox.Job, grants map[string]sandbox.Role) sandbox.Robot {
		return sandbox.Robot{Name: name, Grants: grants, Federation: []sandbox.Entry{{Issuer: issuer, Subject: job.Subject(), Audiences: []string{audience}}}}
	}
	write := map[string]sandbox.Role{"acme/app": sandbox.Write}
	quay, ca = lab.SandboxOf(t, sandbox.Config{Robots: []sandbox.Robot{
		robot("acme+ci", "github", "quay", sandbox.Job{}, write),
		robot("acme+release", "github", "quay", sandbox.Job{Environment: "release"}, write),
		robot("acme+reader", "github", "quay", sandbox.Job{Event: "pull_request"}, map[string]sandbox.Role{"acme/app": sandbox.Read}),
		robot("partner+deploy", "github", "quay", sandbox.Job{}, map[string]sandbox.Role{"partner/app": sandbox.Write}),
		{Name: "acme+seed", Password: "SEED", Grants: write},
	}})
	mirror, mirrorCA := lab.SandboxOf(t, sandbox.Config{IssuerCA: quay.CA, Robots: []sandbox.Robot{
		robot("acme+mirror", quay.URL+"/issuers/github", "mirror", sandbox.Job{}, write),
	}})
	lab.Write(t, ca, lab.Read(t, ca)+lab.Read(t, mirrorCA), 0o644)
	return quay, mirror, ca
}

// seed puts an image where examples expect acme/app:main.
func seed(t *testing.T, m *act.Machine, quay *sandbox.Sandbox) {
	t.Helper()
	run := func(arguments ...string) {
		lab.Command{Dir: app(t), Env: m.Env, Args: append([]string{"buildah"}, arguments...)}.Must(t)
	}
	run("bud", "--tag", "seed", ".")
	run("push", "--creds", "acme+seed:SEED", "--tls-verify=false", "seed", "docker://"+quay.Host+"/acme/app:main")
}
