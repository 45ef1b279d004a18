// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	buildkiteEndpoint = "https://agent.buildkite.com/v3"
	// buildkiteSubject is the default for SubjectClaim. Buildkite's own default contains
	// the commit, which no federation entry can match.
	buildkiteSubject = "pipeline_id"
)

// Buildkite is the ID token of a Buildkite job, asked for as `buildkite-agent
// oidc request-token` does (buildkite/agent, api/oidc.go).
type Buildkite struct {
	chooser
	Env Env
	// SubjectClaim is the claim to use as the subject; "" for that in the variable
	// BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM, or pipeline_id.
	SubjectClaim string
}

// Name is buildkite.
func (Buildkite) Name() string { return "buildkite" }

// Present reports a job of Buildkite.
func (b Buildkite) Present() bool { return b.Env.Getenv("BUILDKITE") == "true" }

// IDToken asks the agent API for a token with that audience.
func (b Buildkite) IDToken(ctx context.Context, audience string) (Token, error) {
	job, bearer := b.Env.Getenv("BUILDKITE_JOB_ID"), b.Env.Hidden(NewSecret(b.Env.Getenv("BUILDKITE_AGENT_ACCESS_TOKEN")))
	if job == "" || bearer.Empty() {
		return Token{}, &Error{Problem: NoBuildkiteToken, Source: b.Name()}
	}
	u, err := address(b.Name(), "BUILDKITE_AGENT_ENDPOINT", cmp.Or(b.Env.Getenv("BUILDKITE_AGENT_ENDPOINT"), buildkiteEndpoint))
	if err != nil {
		return Token{}, err
	}
	// Buildkite's server rejects dots in this part of a path.
	u = u.JoinPath("jobs", strings.ReplaceAll(url.PathEscape(job), ".", "%2E"), "oidc", "tokens")
	body, err := json.Marshal(map[string]string{
		"audience":      audience,
		"subject_claim": cmp.Or(b.SubjectClaim, b.Env.Getenv("BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM"), buildkiteSubject),
	})
	if err != nil {
		return Token{}, err
	}
	header := http.Header{"Authorization": {"Token " + bearer.Reveal()}, "Content-Type": {"application/json"}}
	return question{b.Env.Endpoint, b.Name(), "Buildkite's agent API", u, header, body}.token(ctx, "token")
}
