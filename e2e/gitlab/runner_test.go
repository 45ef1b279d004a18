// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// runner does what GitLab and its runner do with the jobs of one pipeline: it
// signs the ID tokens that a job declares, expands its variables, and runs its
// scripts by sh in a checkout.
type runner struct {
	sandbox  *sandbox.Sandbox
	checkout string
	env      map[string]string // the machine's, and the project's CI/CD variables
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	sb, ca := lab.Sandbox(t)
	checkout := filepath.Join(t.TempDir(), "builds", "acme", "an app")
	lab.Write(t, filepath.Join(checkout, "Containerfile"), "FROM scratch\nCOPY version.txt /\n", 0o644)
	r := &runner{sandbox: sb, checkout: checkout, env: lab.Containers(t, os.Getenv("PATH"))}
	maps.Copy(r.env, map[string]string{
		"CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": checkout, "CI_JOB_ID": "40001",
		"CI_COMMIT_SHORT_SHA": "0a1b2c3d", "CI_SERVER_URL": sb.URL, "CI_PROJECT_PATH": "acme/app",
		"QUAY_CA_CERTIFICATE": ca, "SSL_CERT_FILE": ca,
		// A group's variable, which docker would prefer to a login.
		"DOCKER_AUTH_CONFIG": `{"auths":{"` + sb.Host + `":{"auth":"Z3JvdXA6b2xk"}}}`,
	})
	return r
}

// private is the folder that the template makes for the login.
func (r *runner) private() string { return r.checkout + ".tmp/quay-login-" + r.env["CI_JOB_ID"] }

// ran is what one job left.
type ran struct {
	script, after lab.Outcome // before_script and script are one shell
}

func (r ran) log() string { return r.script.Log() + r.after.Log() }

// run runs a job to its end. Each text of more goes behind its script.
func (r *runner) run(t *testing.T, p pipeline, name string, more ...string) ran {
	t.Helper()
	job := p[name].(map[string]any)
	env := maps.Clone(r.env)
	tokens, _ := job["id_tokens"].(map[string]any)
	variables := table(p["variables"])
	maps.Copy(variables, table(job["variables"]))
	for variable, value := range variables {
		env[variable] = r.value(variables, value)
	}
	for variable, token := range tokens {
		env[variable] = r.idToken(t, r.value(variables, token.(map[string]any)["aud"].(string)))
	}
	script := p.commands(name, "before_script") + p.commands(name, "script") + strings.Join(more, "\n")
	return ran{
		script: r.shell(t, env, script),
		after:  r.shell(t, env, p.commands(name, "after_script")),
	}
}

// value expands variables in a variable, as the runner does: also those that
// come from other variables.
func (r *runner) value(variables map[string]string, text string) string {
	return os.Expand(text, func(name string) string {
		if value, ok := variables[name]; ok {
			return r.value(variables, value)
		}
		return r.env[name]
	})
}

// idToken is what GitLab signs for the default job of acme/app.
func (r *runner) idToken(t *testing.T, audience string) string {
	t.Helper()
	token, err := r.sandbox.Mint(sandbox.Token{Issuer: "gitlab", Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// shell feeds a script to a new shell, which stops at the first error. In
// containers the runner's umask is 0000.
func (r *runner) shell(t *testing.T, env map[string]string, script string) lab.Outcome {
	t.Helper()
	return lab.Command{Dir: r.checkout, Env: env, Stdin: "umask 0000\n" + script, Args: []string{"sh", "-e"}}.Run(t)
}
