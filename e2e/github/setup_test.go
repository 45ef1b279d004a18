// SPDX-License-Identifier: Apache-2.0

package github

import (
	"maps"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// TestTheWorkflowThatSetupPrints begins with a Quay that has neither robot nor
// repository: after one command, the lines that it printed are a job that pushes.
// A second time it finds nothing to do.
func TestTheWorkflowThatSetupPrints(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	m := machine(t, sb, ca)
	maps.Copy(m.Env, sb.GitHubEnv(sandbox.Job{Environment: "release"}))
	env := maps.Clone(m.Env)
	env["QUAY_API_TOKEN"], env["QUAY_CA_CERTIFICATE"], env["GITHUB_TOKEN"] = sb.APIToken(), ca, "of the job"
	delete(env, "GITHUB_ACTIONS") // an administrator's terminal
	setup := lab.Command{Env: env, Args: []string{lab.Program(), "setup", sb.Host, "--robot", "acme+new", "--grant", "tool=write", "--create-repositories",
		"--github", "acme/app", "--environment", "release", "--issuer", sb.URL + "/issuers/github"}}
	printed := setup.Must(t)
	if !strings.Contains(printed.Stdout, "environment: release") {
		t.Errorf("the job lacks the environment of the entry:\n%s", printed.Stdout)
	}
	lab.Command{Env: m.Env, Dir: app(t), Args: []string{"buildah", "bud", "--tag", sb.Host + "/acme/tool", "."}}.Must(t)
	pull := "      - run: podman rmi --all && podman pull " + sb.Host + "/acme/tool\n"
	log := m.Run(t, app(t), "on: push\n"+printed.Stdout+pull, "--var", "QUAY_CA_CERTIFICATE="+lab.Read(t, ca))
	if !log.Succeeded() {
		t.Fatalf("the job that setup printed failed:\n%s\n%s", printed.Stdout, log.Shown)
	}
	again := setup.Must(t)
	if again.Stdout != printed.Stdout || !strings.Contains(again.Stderr, "nothing to change") {
		t.Errorf("the second time:\n%s", again.Log())
	}
}
