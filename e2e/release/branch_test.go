// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
)

// The default branch releases every version, a maintenance branch those of its
// line, and only if they are protected.
func TestBranch(t *testing.T) {
	for _, c := range []struct{ ref, protected, version, want string }{
		{"refs/heads/main", "true", "v1.2.3", ""},
		{"refs/heads/main", "true", "v2.0.0-rc.1", ""},
		{"refs/heads/main", "false", "v1.2.3", "refs/heads/main is not protected"},
		{"refs/heads/release-v1", "true", "v1.9.4", ""},
		{"refs/heads/release-v1.2", "true", "v1.2.4", ""},
		{"refs/heads/release-v1", "false", "v1.9.4", "is not protected"},
		{"refs/heads/release-v1", "true", "v2.0.0", "releases v1.*, not v2.0.0"},
		{"refs/heads/release-v1.2", "true", "v1.20.0", "releases v1.2.*, not v1.20.0"},
		{"refs/heads/release-v1*", "true", "v1.9.4", "releases v1*.*, not v1.9.4"},
		{"refs/heads/release-v", "true", "v1.2.3", "only main or"},
		{"refs/heads/feature", "true", "v1.2.3", "only main or"},
		{"refs/heads/feature/main", "true", "v1.2.3", "only main or"},
		{"refs/tags/main", "true", "v1.2.3", "only main or"},
		{"refs/tags/release-v1", "true", "v1.2.3", "only main or"},
	} {
		env := map[string]string{"PATH": os.Getenv("PATH"), "DEFAULT_BRANCH": "main", "GITHUB_REF": c.ref, "GITHUB_REF_PROTECTED": c.protected}
		ran := lab.Command{Env: env, Args: []string{lab.Path("internal", "release", "branch.sh"), c.version}}.Run(t)
		if refused := ran.Exit != 0; refused != (c.want != "") || !strings.Contains(ran.Stdout, c.want) {
			t.Errorf("%s from %s, protected %s: exit code %d\n%s", c.version, c.ref, c.protected, ran.Exit, ran.Log())
		}
	}
}

// workflowJob is a job of the workflow, as far as it decides what is released.
type workflowJob struct {
	Needs       string
	Environment string
	Permissions map[string]string
	Steps       []struct {
		Uses, Run string
		With      map[string]string
	}
}

// The workflow runs from a branch only, builds the commit that was dispatched, and asks
// branch.sh before it runs anything else. Jobs that can write need the environment and,
// directly or not, the job that asks.
func TestReleaseWorkflow(t *testing.T) {
	var workflow struct {
		On   map[string]any
		Jobs map[string]workflowJob
	}
	if err := yaml.Unmarshal([]byte(lab.Read(t, lab.Path(".github", "workflows", "release.yml"))), &workflow); err != nil {
		t.Fatal(err)
	}
	if _, ok := workflow.On["workflow_dispatch"]; !ok || len(workflow.On) != 1 {
		t.Errorf("these events start it: %v", workflow.On)
	}
	for name, j := range workflow.Jobs {
		checkout := j.Steps[0]
		if !strings.HasPrefix(checkout.Uses, "actions/checkout@") || checkout.With["ref"] != "" || checkout.With["repository"] != "" {
			t.Errorf("%s begins with %v: it must check out the dispatched commit", name, checkout)
		}
		if j.Needs == "" {
			if run := j.Steps[1].Run; run != `internal/release/branch.sh "$VERSION"` {
				t.Errorf("%s needs no other job and runs %q before branch.sh", name, run)
			}
			if len(j.Permissions) != 1 || j.Permissions["contents"] != "read" {
				t.Errorf("%s has the permissions %v without a review", name, j.Permissions)
			}
		} else if _, ok := workflow.Jobs[j.Needs]; !ok || j.Environment != "release" {
			t.Errorf("%s needs %q and has the environment %q", name, j.Needs, j.Environment)
		}
	}
}

// The images of a release are built on the digests of bases.Dockerfile, and not at all
// without one.
func TestBaseDigests(t *testing.T) {
	folder := t.TempDir()
	lab.Write(t, filepath.Join(folder, "bin", "buildah"), "#!/bin/sh\necho \"$@\" >&2\nexit 1\n", 0o755)
	env := map[string]string{"PATH": filepath.Join(folder, "bin") + ":" + os.Getenv("PATH"), "HOME": folder}
	clone := filepath.Join(folder, "clone")
	git(t, folder, "clone", "--quiet", rehearsal.origin, clone)
	push := lab.Command{Dir: clone, Env: env, Args: []string{"internal/release/images.sh", version, rehearsal.dist, "quay.example.com/acme/quay-keyless"}}
	file := filepath.Join(clone, "internal", "release", "bases.Dockerfile")
	bases, built := lab.Read(t, file), push.Run(t)
	for argument, image := range map[string]string{"CERTIFICATES": "gcr.io/distroless/static-debian12", "DEBIAN": "docker.io/library/debian"} {
		_, after, ok := strings.Cut(built.Stderr, "--build-arg "+argument+"="+image+"@")
		digest, _, _ := strings.Cut(after, " ")
		if !ok || !strings.Contains(bases, "@"+digest+" AS "+strings.ToLower(argument)+"\n") {
			t.Errorf("no digest of %s in\n%s", image, built.Stderr)
		}
		lab.Write(t, file, strings.ReplaceAll(bases, "@"+digest, ""), 0o644)
		if ran := push.Run(t); ran.Exit != 1 || !strings.Contains(ran.Stderr, "bases.Dockerfile has no digest for "+strings.ToLower(argument)) || strings.Contains(ran.Stderr, "build-arg") {
			t.Errorf("without the digest of %s: exit code %d\n%s", image, ran.Exit, ran.Log())
		}
	}
}
