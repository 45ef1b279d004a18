// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"testing"
	"time"

	"quay-keyless/internal/idtoken"
)

// plainClaims are those of a job about which there is nothing to say.
func plainClaims() idtoken.Claims {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return idtoken.Claims{
		Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:acme/app:ref:refs/heads/main", Audience: []string{"quay"},
		IssuedAt: at, Expiry: at.Add(5 * time.Minute), Algorithm: "RS256", KeyID: "key-1",
	}
}

// with changes the claims of a plain job.
func with(change func(*idtoken.Claims)) idtoken.Claims {
	claims := plainClaims()
	change(&claims)
	return claims
}

// from is a job of another provider.
func from(issuer, subject string) idtoken.Claims {
	return with(func(c *idtoken.Claims) { c.Issuer, c.Subject = issuer, subject })
}

// subjectOf is a job with another subject.
func subjectOf(subject string) idtoken.Claims { return from(plainClaims().Issuer, subject) }

// traitSamples is a token for each trait, that has this trait alone.
var traitSamples = map[string]idtoken.Claims{
	"no-issuer":            from("", "repo:acme/app:ref:refs/heads/main"),
	"no-subject":           from("https://issuer.example.com", ""),
	"bitbucket":            from("https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc", "{repository}:{step}"),
	"buildkite":            from("https://agent.buildkite.com", "organization:acme:pipeline:app:ref:refs/heads/main:commit:0123abcd:step:build"),
	"invisible":            subjectOf("repo:acme/app:ref:refs/heads/main\u200b"),
	"http-issuer":          from("http://issuer.example.com", "acme"),
	"algorithm":            with(func(c *idtoken.Claims) { c.Algorithm = "ES256" }),
	"no-key-id":            with(func(c *idtoken.Claims) { c.KeyID = "" }),
	"no-times":             with(func(c *idtoken.Claims) { c.IssuedAt = time.Time{} }),
	"circleci":             from("https://oidc.circleci.com/org/acme", "org/acme/project/app/user/somebody"),
	"env-zero":             from(envZero, "auth0|organization"),
	"pull-request":         subjectOf("repo:acme/app:pull_request"),
	"tag":                  subjectOf("repo:acme/app:ref:refs/tags/v1.2.0"),
	"gitlab-tag":           from("https://gitlab.com", "project_path:acme/app:ref_type:tag:ref:v1.2.0"),
	"gitlab-merge-request": from("https://gitlab.com", "project_path:acme/app:ref_type:branch:ref:refs/merge-requests/12/head"),
	"forgejo-pull":         from("https://code.example.com/api/actions", "repo:acme/app:ref:refs/pull/12/head"),
	"forgejo-tag":          from("https://code.example.com/api/actions", "repo:acme/app:ref:refs/tags/v1.2.0"),
	"other-pull":           from("https://acme.semaphoreci.com", "org:acme:project:1:repo:app:ref_type:pull-request:ref:refs/pull/3/merge"),
	"other-tag":            from("https://acme.semaphoreci.com", "org:acme:project:1:repo:app:ref_type:tag:ref:refs/tags/v1"),
	"merge-queue":          subjectOf("repo:acme/app:ref:refs/heads/gh-readonly-queue/main/pr-12-0a1b2c3d"),
	"pull-ref":             subjectOf("repo:acme/app:ref:refs/pull/12/merge"),
	"run":                  from("https://github.example.com/_services/token", "repo:acme/app:run_id:30001"),
	"entra-v1":             from("https://sts.windows.net/72f988bf-0000-4000-8000-00000000e001/", "acme"),
	"entra-v2":             from("https://login.microsoftonline.com/72f988bf-0000-4000-8000-00000000e001/v2.0", "acme"),
	"slash":                from("https://issuer.example.com/acme/", "acme"),
	"ids":                  subjectOf("repo:acme@1001/app@2001:ref:refs/heads/main"),
	"environment":          subjectOf("repo:acme/app:environment:release"),
	"reusable": with(func(c *idtoken.Claims) {
		c.Workflow, c.JobWorkflow = "acme/app/.github/workflows/ci.yml@refs/heads/main", "acme/shared/.github/workflows/build.yml@refs/tags/v2"
	}),
	"template":   subjectOf("repository_owner:acme:environment:release"),
	"enterprise": from("https://token.actions.githubusercontent.com/acme-inc", "repo:acme/app:ref:refs/heads/main"),
}

func TestTraits(t *testing.T) {
	t.Parallel()
	for _, trait := range traits {
		claims, ok := traitSamples[trait.name]
		if !ok {
			t.Errorf("there is no sample of %s", trait.name)
			continue
		}
		var found []string
		for _, other := range TraitsOf(claims, "quay.example.com") {
			found = append(found, other.name)
		}
		if !slices.Equal(found, []string{trait.name}) {
			t.Errorf("the sample of %s has %q", trait.name, found)
		}
	}
}

func TestNoTraits(t *testing.T) {
	t.Parallel()
	for _, claims := range []idtoken.Claims{
		plainClaims(),
		subjectOf("repo:acme/app:ref:refs/heads/feature/tags/x"),
		from("https://gitlab.example.com", "project_path:acme/app:ref_type:branch:ref:main"),
		from("https://agent.buildkite.com", "0123-abcd"),
		from("https://oidc.eks.eu-west-1.amazonaws.com/id/ABC", "system:serviceaccount:acme:pipeline"),
		with(func(c *idtoken.Claims) { c.Algorithm = "RS384" }),
		with(func(c *idtoken.Claims) { c.Workflow, c.JobWorkflow = "x@main", "x@main" }),
	} {
		for _, trait := range TraitsOf(claims, "quay.example.com") {
			t.Errorf("%+v: %s", claims, trait.name)
		}
	}
}

func TestEnterprises(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]bool{
		"https://token.actions.githubusercontent.com":          false,
		"https://token.actions.githubusercontent.com/acme-inc": true,
		"https://token.actions.acme.ghe.com":                   false,
		"https://token.actions.acme.ghe.com/acme":              true,
	} {
		found := slices.ContainsFunc(TraitsOf(from(issuer, "repo:acme/app:ref:refs/heads/main"), "quay.example.com"), func(t Trait) bool { return t.name == "enterprise" })
		if found != want {
			t.Errorf("%s: %v, want %v", issuer, found, want)
		}
	}
}

func TestTraitTexts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"environment": `the job runs in the environment "release", so an entry for a branch does not match`,
		"enterprise":  "the enterprise has its own issuer, so an entry without /acme-inc does not match",
		"invisible":   "the issuer or the subject has invisible characters: U+200B",
		"algorithm":   "the ID token is signed with ES256, and Quay accepts only RS256 and RS384",
	} {
		if got := TraitsOf(traitSamples[name], "quay.example.com")[0].Text(traitSamples[name]); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
