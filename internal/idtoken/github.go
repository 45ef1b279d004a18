// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// The two variables that GitHub's runner sets for a job that may have ID
// tokens (docs.github.com, OpenID Connect reference).
const (
	requestURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	requestToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// github asks the token endpoint of GitHub Actions on github.com, GHE.com, GHES and Forgejo,
// during the whole job. Only the token tells which of them it is.
func (e Env) github(ctx context.Context, audience string) (Token, error) {
	bearer, at := e.hidden(e.Getenv(requestToken)), e.Getenv(requestURL)
	if at == "" || bearer.Empty() {
		return Token{}, e.noGitHubToken()
	}
	u, err := address(requestURL, at, url.Values{"audience": {audience}})
	if err != nil {
		return Token{}, err
	}
	header := http.Header{"Authorization": {"bearer " + bearer.Reveal()}, "Accept": {"application/json"}}
	return question{e.Endpoint, e.forge() + "'s ID token endpoint", u, header, nil}.token(ctx, "value")
}

// forge is the kind of the job's server. Forgejo's runners also set GITEA_ACTIONS; before 7.0
// they set nothing else.
func (e Env) forge() string {
	switch "true" {
	case e.Getenv("FORGEJO_ACTIONS"):
		return "Forgejo"
	case e.Getenv("GITEA_ACTIONS"):
		return "Gitea"
	}
	return "GitHub"
}

func (e Env) noGitHubToken() error {
	switch forge := e.forge(); {
	case forge == "Gitea":
		return missing(NoGiteaToken, "Gitea issues no ID tokens")
	case forge == "Forgejo":
		return missing(NoForgejoToken, "the job lacks enable-openid-connect or belongs to a fork's pull request")
	case e.fromFork():
		return missing(ForkPullRequest, "GitHub gives none to pull requests from forks")
	case e.Getenv("GITHUB_ACTOR") == "dependabot[bot]":
		return missing(Dependabot, "GitHub gives none to jobs that Dependabot starts")
	}
	return missing(NoPermission, "the job lacks id-token: write")
}

// fromFork reads the event that started the job: the head of a pull request
// from a fork is in another repository than its base, or in one that is gone.
func (e Env) fromFork() bool {
	name := e.Getenv("GITHUB_EVENT_NAME")
	if !strings.HasPrefix(name, "pull_request") || name == "pull_request_target" { // which may have tokens
		return false
	}
	type branch struct {
		Repo struct {
			FullName string `json:"full_name"`
		} `json:"repo"`
	}
	var event struct {
		PullRequest struct{ Head, Base branch } `json:"pull_request"`
	}
	text, err := e.ReadFile(e.Getenv("GITHUB_EVENT_PATH"))
	if err != nil || json.Unmarshal(text, &event) != nil {
		return false
	}
	head, base := event.PullRequest.Head.Repo.FullName, event.PullRequest.Base.Repo.FullName
	return base != "" && !strings.EqualFold(head, base)
}
