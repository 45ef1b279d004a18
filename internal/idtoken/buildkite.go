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
	// buildkiteSubject is the default for the subject's claim. Buildkite's own default
	// contains the commit, which no federation entry can match.
	buildkiteSubject = "pipeline_id"
)

// buildkite asks the agent API for a token with that audience, as `buildkite-agent oidc
// request-token` does (buildkite/agent, api/oidc.go). subjectClaim is the claim to use as the
// subject; "" for that in the variable BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM, or pipeline_id.
func (e Env) buildkite(ctx context.Context, subjectClaim, audience string) (Token, error) {
	job, bearer := e.Getenv("BUILDKITE_JOB_ID"), e.hidden(e.Getenv("BUILDKITE_AGENT_ACCESS_TOKEN"))
	if job == "" || bearer.Empty() {
		return Token{}, missing(NoBuildkiteToken, "BUILDKITE_JOB_ID or BUILDKITE_AGENT_ACCESS_TOKEN is not set")
	}
	const variable = "BUILDKITE_AGENT_ENDPOINT"
	u, err := address(variable, cmp.Or(e.Getenv(variable), buildkiteEndpoint), nil)
	if err != nil {
		return Token{}, err
	}
	// Buildkite's server rejects dots in this part of a path.
	u = u.JoinPath("jobs", strings.ReplaceAll(url.PathEscape(job), ".", "%2E"), "oidc", "tokens")
	body, err := json.Marshal(map[string]string{
		"audience":      audience,
		"subject_claim": cmp.Or(subjectClaim, e.Getenv("BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM"), buildkiteSubject),
	})
	if err != nil {
		return Token{}, err
	}
	header := http.Header{"Authorization": {"Token " + bearer.Reveal()}, "Content-Type": {"application/json"}}
	return question{e.Endpoint, "Buildkite's agent API", u, header, body}.token(ctx, "token")
}
