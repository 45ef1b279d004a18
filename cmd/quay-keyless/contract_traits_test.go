// SPDX-License-Identifier: Apache-2.0

package main_test

import "quay-keyless/internal/quay"

// traitCases are ID tokens of jobs that are known to be refused, each for a
// reason that the token alone tells (docs/platforms.md).
func traitCases() []contractCase {
	subject := func(name, subject string, more ...any) contractCase {
		return refused("trait-"+name, "", claims(append([]any{"sub", subject}, more...)...), quay.WrongSubject, wrongSub)
	}
	issuer := func(name, issuer, subject string) contractCase {
		return refused("trait-"+name, "", claims("iss", issuer, "sub", subject), quay.UnknownIssuer, "issuer "+issuer+foreign)
	}
	const github = "https://token.actions.githubusercontent.com"
	return []contractCase{
		subject("ids", "repo:acme@1001/app@2001:ref:refs/heads/main"),
		subject("environment", "repo:acme/site:environment:release"),
		subject("pull-request", "repo:acme/site:pull_request"),
		subject("tag", "repo:acme/site:ref:refs/tags/v1.2.0"),
		subject("merge-queue", "repo:acme/site:ref:refs/heads/gh-readonly-queue/main/pr-12-0a1b2c3d"),
		subject("pull-ref", "repo:acme/site:ref:refs/pull/12/merge"),
		subject("gitlab-merge-request", "project_path:acme/site:ref_type:branch:ref:refs/merge-requests/12/head"),
		subject("gitlab-tag", "project_path:acme/site:ref_type:tag:ref:v1.2.0"),
		subject("reusable", "repo:acme/site:ref:refs/heads/dev", "workflow_ref", "acme/site/.github/workflows/ci.yml@refs/heads/dev",
			"job_workflow_ref", "acme/shared/.github/workflows/build.yml@refs/tags/v2"),
		subject("template", "repository_owner:acme:job_workflow_ref:acme/site/.github/workflows/ci.yml@refs/heads/main",
			"workflow_ref", "acme/site/.github/workflows/ci.yml@refs/heads/main", "job_workflow_ref", "acme/site/.github/workflows/ci.yml@refs/heads/main"),
		subject("invisible", "repo:acme/site:ref:refs/heads/main\u200b"),
		subject("space", "repo:acme/site:ref:refs/heads/main "),
		issuer("enterprise", github+"/acme-inc", "repo:acme/site:ref:refs/heads/main"),
		issuer("slash", "https://issuer.example.com/acme/", "pipeline"),
		issuer("entra-v1", "https://sts.windows.net/00000000-0000-0000-0000-000000000001/", "00000000-0000-0000-0000-000000000002"),
		issuer("entra-v2", "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/v2.0", "00000000-0000-0000-0000-000000000002"),
		issuer("cluster", "https://kubernetes.default.svc", "system:serviceaccount:acme:pipeline"),
		issuer("buildkite", "https://agent.buildkite.com", "organization:acme:pipeline:app:ref:refs/heads/main:commit:0123abcd:step:build"),
		issuer("bitbucket", "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "{repository}:{step}"),
		issuer("circleci", "https://oidc.circleci.com/org/acme", "org/acme/project/app/user/somebody"),
	}
}
