// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"fmt"
	"time"
)

// gitlabVariable is the name that a job declares under id_tokens.
const gitlabVariable = "QUAY_ID_TOKEN"

// GitLab is the token of a GitLab CI job, which the job asks for with id_tokens:
// {QUAY_ID_TOKEN: {aud: quay}}.
//
// It is made when the job starts, with that audience, and cannot be renewed
// (docs.gitlab.com, CI/CD, ID token authentication).
type GitLab struct {
	Env Env
}

// Name is gitlab.
func (GitLab) Name() string { return "gitlab" }

// Present reports a GitLab job, or the variable in any other.
func (g GitLab) Present() bool {
	return g.Env.Getenv("GITLAB_CI") == "true" || g.Env.Getenv(gitlabVariable) != ""
}

// IDToken reads the variable. It gives [OtherJob] for a token that was made
// before this job started.
func (g GitLab) IDToken(context.Context, string) (Token, error) {
	text := g.Env.Getenv(gitlabVariable)
	if text == "" {
		return Token{}, g.missing()
	}
	token, err := g.Env.given(g.Name(), text)
	if err != nil {
		return Token{}, err
	}
	return token, g.ofThisJob(token.Claims)
}

// missing tells why the variable is not there.
func (g GitLab) missing() error {
	for _, removed := range []string{"CI_JOB_JWT_V2", "CI_JOB_JWT", "CI_JOB_JWT_V1"} {
		if g.Env.Getenv(removed) != "" {
			return &Error{Problem: OldVariable, Source: g.Name(), Detail: fmt.Sprintf("is not there: this job has %s, which is not used", removed)}
		}
	}
	return &Error{Problem: NoIDTokens, Source: g.Name()}
}

// slack is how much older than its job a token may be. GitLab's server notes the job's
// start and then signs (gitlabhq, Ci::RegisterJobService), so the clocks of the runner
// and of this container do not matter.
const slack = time.Minute

// ofThisJob finds a token of another job in the variable.
func (g GitLab) ofThisJob(claims Claims) error {
	started, err := time.Parse(time.RFC3339, g.Env.Getenv("CI_JOB_STARTED_AT"))
	if err != nil {
		return nil // not told: GitLab before 13.10, or a job that its runner has yet to accept
	}
	if claims.IssuedAt.IsZero() || !claims.IssuedAt.Before(started.Add(-slack)) {
		return nil
	}
	return &Error{Problem: OtherJob, Source: g.Name(), Detail: fmt.Sprintf("is not this job's: it was issued %s before the job started",
		started.Sub(claims.IssuedAt).Round(time.Second))}
}

// ForkMergeRequest returns the paths of the fork and of the project, if this is a GitLab
// job for a fork's merge request. Since GitLab 18.2.2 its ID token has the fork's
// subject, even in the project's own pipeline.
func ForkMergeRequest(getenv func(string) string) (fork, project string, ok bool) {
	fork, project = getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH"), getenv("CI_MERGE_REQUEST_PROJECT_PATH")
	return fork, project, fork != "" && project != "" && fork != project
}
