// SPDX-License-Identifier: Apache-2.0

package subject_test

import (
	"testing"

	"quay-keyless/internal/subject"
)

// Each kind of subject that ends with a run, a pull request or a tag, and subjects that stay.
func TestFleeting(t *testing.T) {
	t.Parallel()
	const github, forgejo, gitlab = "https://token.actions.githubusercontent.com", "https://code.example.com/api/actions", "https://gitlab.com"
	seen := map[string]bool{}
	for _, job := range []struct{ issuer, subject, want string }{
		{github, "repo:acme/app:ref:refs/heads/gh-readonly-queue/main/pr-12-0a1b2c3d", "merge-queue"},
		{github, "repo:acme@1/app@2:ref:refs/heads/gh-readonly-queue/release/1.0/pr-12-0a1b2c3d", "merge-queue"},
		{"https://ghes.example.com/_services/token", "repo:acme/app:ref:refs/heads/gh-readonly-queue/main/pr-1-00", "merge-queue"},
		{github, "repo:acme/app:ref:refs/pull/12/merge", "pull-ref"},
		{github, "repo:acme/app:ref:refs/pull/12/head", "pull-ref"},
		{github, "repo:acme/app:job_workflow_ref:acme/app/.github/workflows/ci.yml@refs/pull/3/merge", "pull-ref"},
		{github, "repo:acme/app:ref:refs/tags/v1.2.0", "tag"},
		{github, "repo:acme@1/app@2:ref:refs/tags/v1.2.0", "tag"},
		{github, "ref:refs/tags/v1:repository:acme/app", "tag"},
		{github, "repo:acme/app:run_id:123456", "run"},
		{github, "repo:acme/app:ref:refs/heads/main:sha:0123abcd", "run"},
		{forgejo, "repo:acme/app:ref:refs/tags/v1", "forgejo-tag"},
		{forgejo, "repo:acme-1/app-2:ref:refs/pull/3/head", "forgejo-pull"},
		{gitlab, "project_path:acme/app:ref_type:tag:ref:v1", "gitlab-tag"},
		{gitlab, "project_id:7:ref:v1:ref_type:tag", "gitlab-tag"},
		{gitlab, "job_project_id:7:ref_type:tag:ref:v1", "gitlab-tag"},
		{gitlab, "project_path:acme/app:ref_type:branch:ref:refs/merge-requests/12/head", "gitlab-merge-request"},
		{gitlab, "project_path:acme/app:ref_type:branch:ref:refs/merge-requests/12/train", "gitlab-merge-request"},
		{"https://acme.semaphoreci.com", "org:acme:project:1:repo:app:ref_type:tag:ref:refs/tags/v1", "other-tag"},
		{"https://acme.semaphoreci.com", "org:acme:project:1:repo:app:ref_type:pull-request:ref:refs/pull/3/merge", "other-pull"},
		{"https://oidc.circleci.com/org/1", "org/1/project/2/user/3/vcs-origin/github.com/acme/app/vcs-ref/refs/tags/v1", "other-tag"},
		{"https://oidc.circleci.com/org/1", "org/1/project/2/user/3/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main", ""},
		{"https://agent.buildkite.com", "organization:acme:pipeline:app:ref:refs/heads/main:commit:0123abcd:step:build", "buildkite"},
		{"https://agent.buildkite.com", "0123-abcd", ""},
		{"https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "{repository}:{step}", "bitbucket"},
		{github, "repo:acme/app:ref:refs/heads/main", ""},
		{github, "repo:acme/app:ref:refs/heads/refs/tags/x", ""},
		{github, "repo:acme/app:environment:release", ""},
		{github, "repo:acme/app:pull_request", ""},
		{github, "repo:acme/app:job_workflow_ref:acme/shared/.github/workflows/build.yml@refs/tags/v2", ""},
		{gitlab, "project_path:acme/tag:ref_type:branch:ref:main", ""},
		{gitlab, "project_path:acme/app", ""},
		{"https://kubernetes.default.svc", "system:serviceaccount:acme:pipeline", ""},
	} {
		got, found := subject.FleetingOf(job.issuer, job.subject)
		if got.Name != job.want || found != (job.want != "") || found && (got.Text == "" || len(got.Cures) == 0) {
			t.Errorf("%s: %q, want %q", job.subject, got.Name, job.want)
		}
		seen[got.Name] = true
	}
	for _, kind := range subject.Fleetings() {
		if !seen[kind.Name] {
			t.Errorf("no subject tests %s", kind.Name)
		}
	}
}
