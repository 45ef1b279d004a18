// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
)

// TestNamesInTheLinesForAJob: a name from an ID token comes out of the YAML as
// it went in, and no line of it is a workflow command.
func TestNamesInTheLinesForAJob(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"release", "it's", "a: b # c", "- x", "true", " ends ", "two\nlines", "x\n::warning::y", "##[group]x", "x\u200by", "\x1b[31m", "\x00\u2028\u0085",
	} {
		j := job{from: "acme/quay-keyless", registry: "quay.example", robot: "acme+ci", repository: "acme/app", audience: name, environment: name}
		var workflow struct {
			Jobs struct {
				Push struct {
					Environment string
					Steps       []struct{ With struct{ Audience string } }
				}
			}
		}
		var pipeline struct {
			Include []struct{ Inputs struct{ Audience string } }
		}
		var task struct {
			Spec struct {
				Volumes []struct {
					Projected struct {
						Sources []struct {
							ServiceAccountToken struct{ Audience string } `yaml:"serviceAccountToken"`
						}
					}
				}
			}
		}
		for text, into := range map[string]any{j.github(): &workflow, j.gitlab(): &pipeline, j.tekton(): &task} {
			if err := yaml.Unmarshal([]byte(text), into); err != nil {
				t.Fatalf("%q: %v in\n%s", name, err, text)
			}
		}
		push := workflow.Jobs.Push
		for _, got := range []string{
			push.Environment, push.Steps[0].With.Audience, pipeline.Include[0].Inputs.Audience,
			task.Spec.Volumes[1].Projected.Sources[0].ServiceAccountToken.Audience,
		} {
			if got != name {
				t.Errorf("%q came out as %q", name, got)
			}
		}
		for line := range strings.Lines(j.github() + j.gitlab() + j.tekton() + new(platform.Secrets).Whole(j.shell())) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%q: the line %q is a workflow command", name, line)
			}
		}
	}
}

// GitLab reads $NAME as a variable, also in an audience.
func TestDollarsInTheLinesForGitLab(t *testing.T) {
	t.Parallel()
	j := job{from: "acme/quay-keyless", registry: "quay.example", robot: "acme+ci", repository: "acme/app", audience: "api://$HOME"}
	if text := j.gitlab(); !strings.Contains(text, "audience: 'api://$$HOME'\n") {
		t.Error(text)
	}
}

// A released program names its own repository.
func TestRepositoryInTheLinesForAJob(t *testing.T) {
	t.Parallel()
	for repository, name := range map[string]string{"acme/quay-keyless": "acme/quay-keyless", "": "OWNER/quay-keyless"} {
		for subject, want := range map[string]string{
			"repo:acme/app:ref:refs/heads/main":                     "- uses: " + name + "@v1\n",
			"project_path:acme/app:ref_type:branch:ref:refs/heads/": "- component: $CI_SERVER_FQDN/" + name + "/quay-login@v1\n",
		} {
			var said, printed bytes.Buffer
			a := &process.Run{
				Env:      process.Env{Stdout: &printed, Repository: repository},
				Platform: platform.Detect(platform.Env{Getenv: func(string) string { return "" }, Words: &said}),
			}
			err := (&Setup{Run: a}).PrintJob(Wanted{}, quay.NewEntry("", subject))
			if err != nil || !strings.Contains(printed.String(), want) {
				t.Errorf("%v, no %q in\n%s", err, want, printed.String())
			}
		}
	}
}
