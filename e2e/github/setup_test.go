// SPDX-License-Identifier: Apache-2.0

package github

import (
	"maps"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// TestTheWorkflowThatSetupPrints begins with a Quay that has neither robot nor
// repository: one command, and the lines that it prints are a job that logs in.
func TestTheWorkflowThatSetupPrints(t *testing.T) {
	sb, ca := lab.Sandbox(t)
	r := newRunner(t, sb.GitHubEnv(sandbox.Job{Environment: "release"}))
	env := maps.Clone(r.env)
	env["QUAY_API_TOKEN"], env["QUAY_CA_CERTIFICATE"], env["GITHUB_TOKEN"] = sb.APIToken(), ca, "of the job"
	setup := lab.Command{Env: env, Args: []string{lab.Program(), "setup", sb.Host, "--robot", "acme+new", "--grant", "tool=write", "--create-repositories",
		"--github", "acme/app", "--environment", "release", "--issuer", sb.URL + "/issuers/github"}}
	var workflow struct {
		Jobs struct {
			Push struct {
				Environment string
				Permissions map[string]string
				Steps       []struct {
					Uses string
					With map[string]string
				}
			}
		}
	}
	printed := setup.Must(t).Stdout
	if err := yaml.Unmarshal([]byte(printed), &workflow); err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	push := workflow.Jobs.Push
	if push.Environment != "release" || push.Permissions["id-token"] != "write" {
		t.Errorf("the job is another one:\n%s", printed)
	}
	inputs := push.Steps[0].With
	for name, value := range inputs { // as the runner does
		inputs[name] = strings.ReplaceAll(value, "${{ vars.QUAY_CA_CERTIFICATE }}", lab.Read(t, ca))
	}
	login := r.uses(release(t), inputs).main(t)
	if login.Exit != 0 {
		t.Fatalf("exit code %d\n%s", login.Exit, login.Log())
	}
	if user, _ := lab.Login(t, lab.Read(t, r.config()), sb.Host); user != "acme+new" {
		t.Errorf("logged in as %q", user)
	}
	again := setup.Must(t)
	if again.Stdout != printed || !strings.Contains(again.Stderr, "nothing to change") {
		t.Errorf("the second time:\n%s", again.Log())
	}
}
