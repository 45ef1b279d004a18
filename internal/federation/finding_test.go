// SPDX-License-Identifier: Apache-2.0

package federation_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/federation"
)

const (
	github = "https://token.actions.githubusercontent.com"
	gitlab = "https://gitlab.com"
	oidc   = "https://oidc.example.com"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ issuer, subject, want string }{
		{github, "repo:acme/app:ref:refs/heads/main", ""},
		{github, "repo:acme@1/app@2:environment:release", ""},
		{github, "repo:acme/app:environment:Prod EU", ""},
		{github, "repo:acme/app:environment:prod%3Aeu", ""},
		{github, "job_workflow_ref:acme/app/.github/workflows/ci.yml@refs/heads/main", ""},
		{gitlab, "project_path:acme/group/app:ref_type:branch:ref:main", ""},
		{oidc, "system:serviceaccount:build:pipeline", ""},
		{oidc, "4b2a-11", ""},
		{oidc, "CN=ci, O=Acme Inc", ""},
		{"https://api.example.com/oidc/", "{0a}:{1b}", ""},
		{"https://quay.example.com/realms/ci", "service-account-ci", ""},

		{github, "repo:acme/app:*", "wildcard"},
		{github, "repo:acme/*:ref:refs/heads/main", "wildcard"},
		{github, "repo:acme/app:ref:refs/heads/release-?", "wildcard"},
		{github, "^repo:acme/app:.+$", "wildcard"},
		{oidc, `system:serviceaccount:build:.*`, "wildcard"},
		{"https://*.example.com", "x", "wildcard"},
		{github, "repo:acme/app:ref:refs/heads/main ", "white-space"},
		{github, "repo:acme/app: ref:refs/heads/main", "white-space"},
		{github, "repo:acme/app:ref:refs/heads/my branch", "white-space"},
		{oidc, "a\tb", "white-space"},
		{oidc, "a\nb", "white-space"},
		{" " + github, "repo:acme/app:ref:refs/heads/main", "white-space"},
		{github, "repo:acme/app:ref:refs/heads/ma\u200bin", "invisible"},
		{github, "repo:acme/app:environment:${{ inputs.env }}", "placeholder"},
		{github, "repo:<OWNER>/<REPO>:ref:refs/heads/main", "placeholder"},
		{gitlab, "project_path:${CI_PROJECT_PATH}:ref_type:branch:ref:main", "placeholder"},
		{"http://issuer.example.com", "x", "http-issuer"},
		{"token.actions.githubusercontent.com", "repo:acme/app:ref:refs/heads/main", "issuer-url"},
		{"htps://issuer.example.com", "x", "issuer-url"},
		{"https://issuer.example.com?x=y", "x", "issuer-url"},
		{github + "/", "repo:acme/app:ref:refs/heads/main", "issuer-spelling"},
		{"https://Token.actions.githubusercontent.com", "repo:acme/app:ref:refs/heads/main", "issuer-spelling"},
		{gitlab + "/", "project_path:acme/app:ref_type:branch:ref:main", "issuer-spelling"},
		{"https://gitlab.com:443", "project_path:acme/app:ref_type:branch:ref:main", "issuer-spelling"},
		{"https://github.com", "repo:acme/app:ref:refs/heads/main", "other-issuer"},
		{gitlab, "repo:acme/app:ref:refs/heads/main", "other-issuer"},
		{github, "project_path:acme/app:ref_type:branch:ref:main", "other-issuer"},
		{gitlab, "system:serviceaccount:build:pipeline", "other-issuer"},
		{"https://issuer.example.com/ci/.well-known/openid-configuration", "x", "issuer-url"},
		{github, "acme/app", "subject-form"},
		{github, "Repo:acme/app:ref:refs/heads/main", "subject-form"},
		{github, "repo:acme/app:", "subject-form"},
		{github, "repo:acme/app:environment:", "subject-form"},
		{github, "repo:acme/app:ref:refs/heads/", "subject-form"},
		{github, "repo:acme/app:ref:refs/heads/v[0-9]", "subject-form"},
		{github, "repo:acme:ref:refs/heads/main", "subject-form"},
		{github, "repo:acme/app:ref:main", "subject-form"},
		{github, "repo:acme/app:refs/heads/main", "subject-form"},
		{github, "repo:acme/app:branch:main", "subject-form"},
		{github, "repo:https://github.com/acme/app:ref:refs/heads/main", "subject-form"},
		{gitlab, "project_path:acme/app:ref_type:branch:ref:refs/heads/main", "subject-form"},
		{oidc, "system:serviceaccount:build/pipeline", "subject-form"},
		{oidc, "system:serviceaccount:pipeline", "subject-form"},
		{oidc, "system:serviceaccounts:build", "subject-form"},

		{github, "repo:acme/app:pull_request", "pull-request"},
		{github, "repo:acme/app:ref:refs/heads/gh-readonly-queue/main/pr-1-0a", "merge-queue"},
		{github, "repo:acme/app:ref:refs/pull/3/merge", "pull-ref"},
		{github, "repo:acme/app:ref:refs/tags/v1", "tag"},
		{gitlab, "project_path:acme/app:ref_type:tag:ref:v1", "gitlab-tag"},
		{github, "repo:acme/app", "any-branch"},
		{github, "repository_owner:acme", "any-branch"},
		{gitlab, "project_path:acme/app", "any-branch"},
		{"https://kubernetes.default.svc", "system:serviceaccount:build:pipeline", "cluster-issuer"},
		{"https://kubernetes.default.svc.cluster.local", "system:serviceaccount:build:pipeline", "cluster-issuer"},
		{"https://login.app.env0.com/", "x", "shared-subject"},
		{"https://10.0.0.5:8443", "x", "private-issuer"},
	} {
		found := federation.Findings(federation.Examined{Issuer: test.issuer, Subject: test.subject, Writes: true, Registry: "quay.io"})
		got := ""
		if len(found) > 0 {
			got = found[0].Code
		}
		if got != test.want {
			t.Errorf("%q %q: %q, want %q", test.issuer, test.subject, got, test.want)
		}
		for i, f := range found {
			if f.Text == "" || len(f.Cures) == 0 || i > 0 && f.Level < found[i-1].Level {
				t.Errorf("%q %q: %+v", test.issuer, test.subject, f)
			}
		}
	}
}

// A robot that only reads may be used by pull requests.
func TestPullRequestsMayRead(t *testing.T) {
	t.Parallel()
	e := federation.Examined{Issuer: github, Subject: "repo:acme/app:pull_request", AnyAudience: true}
	found := federation.Findings(e)
	if len(found) != 1 || found[0].Code != "any-audience" || found[0].Level != federation.Note || federation.Hopeless(e) != nil {
		t.Errorf("%+v", found)
	}
}

// FuzzFindings looks for a panic, and for words that would be a command on GitHub.
func FuzzFindings(f *testing.F) {
	f.Add(github, "repo:acme/app:ref:refs/heads/main")
	f.Add("https://%zz", "\xff*")
	f.Fuzz(func(t *testing.T, issuer, subject string) {
		for _, finding := range federation.Findings(federation.Examined{Issuer: issuer, Subject: subject, Registry: "quay.io"}) {
			if finding.Code == "" || strings.ContainsAny(finding.Code, " \n") {
				t.Errorf("%+v", finding)
			}
		}
	})
}
