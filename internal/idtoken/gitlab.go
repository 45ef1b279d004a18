// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"time"
)

// gitlabVariable is the name that a job declares under id_tokens.
const gitlabVariable = "QUAY_ID_TOKEN"

// gitlab reads the token of a GitLab CI job, which the job asks for with id_tokens:
// {QUAY_ID_TOKEN: {aud: quay}}. It is made when the job starts, and cannot be renewed
// (docs.gitlab.com, CI/CD, ID token authentication).
func (e Env) gitlab(context.Context, string) (Token, error) {
	text := e.Getenv(gitlabVariable)
	if text == "" {
		return Token{}, e.noGitLabToken()
	}
	token, err := e.given(text)
	if err == nil {
		err = e.ofThisJob(token.Claims)
	}
	return token, err
}

func (e Env) noGitLabToken() error {
	for _, removed := range []string{"CI_JOB_JWT_V2", "CI_JOB_JWT", "CI_JOB_JWT_V1"} {
		if e.Getenv(removed) != "" {
			return missing(OldVariable, "quay-keyless does not use %s", removed)
		}
	}
	return missing(NoIDTokens, gitlabVariable+" is not set")
}

// slack is how much older than its job a token may be. GitLab's server notes the job's
// start and then signs (gitlabhq, Ci::RegisterJobService), so the clocks of the runner
// and of this container do not matter.
const slack = time.Minute

// ofThisJob finds a token of another job in the variable. GitLab before 13.10 does not tell
// when the job started.
func (e Env) ofThisJob(claims Claims) error {
	started, err := time.Parse(time.RFC3339, e.Getenv("CI_JOB_STARTED_AT"))
	if err != nil || claims.IssuedAt.IsZero() || !claims.IssuedAt.Before(started.Add(-slack)) {
		return nil
	}
	return fail(OtherJob, "is from another job: it was issued %s before this job started", started.Sub(claims.IssuedAt).Round(time.Second))
}

// ForkMergeRequest returns the paths of the fork and of the project, if this is a GitLab
// job for a fork's merge request. Since GitLab 18.2.2 its ID token has the fork's
// subject, even in the project's own pipeline.
func ForkMergeRequest(getenv func(string) string) (fork, project string, ok bool) {
	fork, project = getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH"), getenv("CI_MERGE_REQUEST_PROJECT_PATH")
	return fork, project, fork != "" && project != "" && fork != project
}

// circleCI reads the token of a CircleCI job that uses a context or has OIDC tokens on
// (circleci.com/docs, Using OpenID Connect tokens in jobs). It is made when the job starts,
// with the organization's id as its audience. The subject of V2 has the branch in it too.
func (e Env) circleCI(context.Context, string) (Token, error) {
	text := cmp.Or(e.Getenv("CIRCLE_OIDC_TOKEN_V2"), e.Getenv("CIRCLE_OIDC_TOKEN"))
	if text == "" {
		return Token{}, missing(NoCircleToken, "neither CIRCLE_OIDC_TOKEN_V2 nor CIRCLE_OIDC_TOKEN is set")
	}
	return e.given(text)
}
