// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// pipeline is the part of an expanded configuration that the double needs.
type pipeline struct {
	Variables map[string]string
	Jobs      map[string]job `yaml:",inline"`
}

type job struct {
	Variables map[string]string
	IDTokens  map[string]struct{ Aud string } `yaml:"id_tokens"`
	Rest      map[string]any                  `yaml:",inline"`
}

// preview is the configuration as gitlab-ci-local has expanded it.
func (p *project) preview(t *testing.T) string {
	t.Helper()
	outcome := p.ciLocal(t, "--preview")
	if outcome.Exit != 0 {
		t.Fatalf("--preview: exit code %d\n%s", outcome.Exit, outcome.Log())
	}
	return outcome.Stdout
}

// idTokens is what GitLab's server does for the jobs: it signs each token that
// one of them declares, for exactly the audience that stands there, with
// variables expanded. Jobs that declare one name with two audiences need two runs.
func (p *project) idTokens(t *testing.T, jobs []string) map[string]string {
	t.Helper()
	all := map[string]any{}
	if err := yaml.Unmarshal([]byte(p.preview(t)), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "stages")
	text, _ := yaml.Marshal(all)
	var expanded pipeline
	if err := yaml.Unmarshal(text, &expanded); err != nil {
		t.Fatal(err)
	}
	audiences, tokens := map[string]string{}, map[string]string{}
	for name, job := range expanded.Jobs {
		if len(jobs) > 0 && !slices.Contains(jobs, name) {
			continue
		}
		for variable, token := range job.IDTokens {
			audience := p.value(token.Aud, job.Variables, expanded.Variables)
			if other, twice := audiences[variable]; twice && other != audience {
				t.Fatalf("%s is for %q and for %q", variable, audience, other)
			}
			audiences[variable] = audience
			tokens[variable] = p.sign(t, audience)
		}
	}
	return tokens
}

// value expands variables, also those in other variables.
func (p *project) value(text string, scopes ...map[string]string) string {
	predefined := map[string]string{
		"CI_PROJECT_PATH": "acme/app", "CI_SERVER_FQDN": "gitlab.example.com", "CI_COMMIT_REF_NAME": "main",
	}
	return os.Expand(text, func(name string) string {
		for _, scope := range append([]map[string]string{p.variables}, append(scopes, predefined)...) {
			if value, ok := scope[name]; ok {
				return p.value(value, scopes...)
			}
		}
		return ""
	})
}

// sign makes an ID token with the claims that GitLab gives a job on main.
func (p *project) sign(t *testing.T, audience string) string {
	t.Helper()
	token, err := p.sandbox.Mint(sandbox.Token{Issuer: "gitlab", Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ran is what a run left.
type ran struct {
	lab.Outcome
	idTokens []string
}

// run runs the named jobs, or the whole pipeline, in containers as the image's
// own user. The runner's folder beside the checkout is a volume, which must be
// empty afterwards; as on a runner it is one job's at a time.
func (p *project) run(t *testing.T, jobs ...string) ran {
	t.Helper()
	tokens := p.idTokens(t, jobs)
	arguments := []string{
		"--container-executable", "podman", "--pull-policy", "if-not-present", "--helper-image", lab.Debian,
		"--no-umask", "--volume", "beside:/builds/acme/app.tmp:U", "--no-artifacts-to-source", "--concurrency", "1",
		"--ignore-predefined-vars", "GITLAB_CI",
	}
	variables := maps.Clone(p.variables)
	maps.Copy(variables, tokens)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		arguments = append(arguments, "--variable", name+"="+variables[name])
	}
	outcome := p.ciLocal(t, append(arguments, jobs...)...)
	p.leftNothing(t)
	return ran{outcome, slices.Collect(maps.Values(tokens))}
}

// leftNothing fails the test where something is left beside the checkout.
func (p *project) leftNothing(t *testing.T) {
	t.Helper()
	volume := lab.Command{Env: p.env, Args: []string{"podman", "volume", "inspect", "--format", "{{.Mountpoint}}", "beside"}}.Must(t)
	left, err := os.ReadDir(strings.TrimSpace(volume.Stdout))
	if err != nil || len(left) > 0 {
		t.Errorf("beside the checkout are still %v (%v)", left, err)
	}
}

// noSecrets fails the test where the log, or a file of the checkout, of the
// artifacts or of the reports, has a secret in it. The program itself may be
// among them; it has text in it that looks like the beginning of one.
func (p *project) noSecrets(t *testing.T, r ran) {
	t.Helper()
	lab.NoSecrets(t, "the log", r.Log())
	program := lab.Read(t, lab.Program())
	err := filepath.WalkDir(p.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			lab.NoSecrets(t, path, strings.TrimPrefix(lab.Read(t, path), program))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// said reports whether a line of the job's log has the text.
func (r ran) said(job, text string) bool {
	return slices.ContainsFunc(strings.Split(r.Log(), "\n"), func(line string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), job+" ") && strings.Contains(line, text)
	})
}

// must fails the test unless each job said its text.
func (r ran) must(t *testing.T, job string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !r.said(job, text) {
			t.Errorf("the job %s does not say %q", job, text)
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprintf("exit code %d\n", r.Exit) + r.Log())
	}
}
