// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// The two variables that GitHub's runner sets for a job that may have ID
// tokens (docs.github.com, OpenID Connect reference).
const (
	requestURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	requestToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)

// GitHub is the token endpoint of GitHub Actions on github.com, GHE.com, GHES and
// Forgejo. Only the token tells which of them it is.
type GitHub struct {
	chooser
	Env Env
}

// Name is github.
func (GitHub) Name() string { return "github" }

// Present reports a job of GitHub Actions or one that imitates it.
func (g GitHub) Present() bool {
	return g.Env.Getenv("GITHUB_ACTIONS") == "true" || g.Env.Getenv(requestURL) != ""
}

// IDToken asks the runner's endpoint for a token with that audience, during the whole
// job.
func (g GitHub) IDToken(ctx context.Context, audience string) (Token, error) {
	bearer, at := g.Env.Hidden(NewSecret(g.Env.Getenv(requestToken))), g.Env.Getenv(requestURL)
	if at == "" || bearer.Empty() {
		return Token{}, g.missing()
	}
	u, err := address(g.Name(), requestURL, at)
	if err != nil {
		return Token{}, err
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	header := http.Header{"Authorization": {"bearer " + bearer.Reveal()}, "Accept": {"application/json"}}
	return question{g.Env.Endpoint, g.Name(), g.forge() + "'s ID token endpoint", u, header, nil}.token(ctx, "value")
}

// forge is whose job this is. Runners of Forgejo say that they are Gitea's too, and those
// before 7.0 say nothing else.
func (g GitHub) forge() string {
	switch "true" {
	case g.Env.Getenv("FORGEJO_ACTIONS"):
		return "Forgejo"
	case g.Env.Getenv("GITEA_ACTIONS"):
		return "Gitea"
	}
	return "GitHub"
}

// missing says why the runner offers no token.
func (g GitHub) missing() error {
	switch g.forge() {
	case "Gitea":
		return &Error{Problem: NoGiteaToken, Source: g.Name()}
	case "Forgejo":
		return &Error{Problem: NoForgejoToken, Source: g.Name()}
	}
	if g.fromFork() {
		return &Error{Problem: ForkPullRequest, Source: g.Name(), Detail: "is not offered to a pull request from a fork"}
	}
	if g.Env.Getenv("GITHUB_ACTOR") == "dependabot[bot]" {
		return &Error{Problem: Dependabot, Source: g.Name(), Detail: "is not offered to a job that Dependabot started"}
	}
	return &Error{Problem: NoPermission, Source: g.Name(), Detail: "is not offered: the job lacks the permission id-token: write"}
}

// fromFork reads the event that started the job: the head of a pull request
// from a fork is in another repository than its base, or in one that is gone.
func (g GitHub) fromFork() bool {
	name := g.Env.Getenv("GITHUB_EVENT_NAME")
	if !strings.HasPrefix(name, "pull_request") || name == "pull_request_target" { // which may have tokens
		return false
	}
	text, err := g.Env.ReadFile(g.Env.Getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return false
	}
	type branch struct {
		Repo *struct {
			FullName string `json:"full_name"`
		} `json:"repo"`
	}
	var event struct {
		PullRequest *struct{ Head, Base branch } `json:"pull_request"`
	}
	if json.Unmarshal(text, &event) != nil || event.PullRequest == nil || event.PullRequest.Base.Repo == nil {
		return false
	}
	head, base := event.PullRequest.Head.Repo, event.PullRequest.Base.Repo
	return head == nil || !strings.EqualFold(head.FullName, base.FullName)
}
