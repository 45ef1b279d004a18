// SPDX-License-Identifier: Apache-2.0

package idtoken

import "context"

// gitlabVariable is the name that a job declares under id_tokens.
const gitlabVariable = "QUAY_ID_TOKEN"

// GitLab is the token of a GitLab CI job, which the job itself asks for:
//
//	id_tokens: {QUAY_ID_TOKEN: {aud: quay}}
//
// It is made when the job starts, with the audience that is written there, and
// cannot be renewed (docs.gitlab.com, CI/CD, ID token authentication).
type GitLab struct {
	Env Env
}

// Name is gitlab.
func (GitLab) Name() string { return "gitlab" }

// Present reports a GitLab job, or the variable in any other.
func (g GitLab) Present() bool {
	return g.Env.Getenv("GITLAB_CI") == "true" || g.Env.Getenv(gitlabVariable) != ""
}

// IDToken reads the variable.
func (g GitLab) IDToken(context.Context, string) (Secret, error) {
	text := g.Env.Getenv(gitlabVariable)
	if text == "" {
		return Secret{}, &Error{Problem: NoIDTokens, Source: g.Name()}
	}
	return usable(g.Name(), text)
}
