// SPDX-License-Identifier: Apache-2.0

package idtoken

import "cmp"

// Problem is why there is no usable ID token: a stable code, see package explain.
type Problem string

// The problems. The code says which it is, words what people read, and package explain has a
// cure for each.
const (
	NoSource         Problem = "no-id-token"
	Empty            Problem = "id-token-empty"
	SeveralLines     Problem = "id-token-several-lines"
	NotJWT           Problem = "id-token-not-jwt"
	Expired          Problem = "id-token-expired"
	TooLong          Problem = "id-token-too-long"
	NoPermission     Problem = "no-id-token-permission"
	ForkPullRequest  Problem = "fork-pull-request"
	Dependabot       Problem = "dependabot"
	NoGiteaToken     Problem = "gitea-no-id-tokens"
	NoForgejoToken   Problem = "forgejo-no-id-token"
	NoVariable       Problem = "no-id-token-variable"
	NoIDTokens       Problem = "gitlab-no-id-tokens"
	OldVariable      Problem = "gitlab-ci-job-jwt"
	OtherJob         Problem = "id-token-of-another-job"
	NoFile           Problem = "no-id-token-file"
	Unreadable       Problem = "id-token-unreadable"
	APICredential    Problem = "kubernetes-api-token"
	JobCredential    Problem = "job-credential"
	Denied           Problem = "id-token-denied"
	Insecure         Problem = "id-token-by-http"
	UnknownSource    Problem = "unknown-source"
	NoAzureEndpoint  Problem = "azure-no-oidc"
	NoAzureToken     Problem = "azure-no-access-token"
	NoBuildkiteToken Problem = "buildkite-no-agent-token"
	NoCircleToken    Problem = "circleci-no-id-token"
	NoResource       Problem = "audience-not-app-id"
	RefreshToken     Problem = "refresh-token"
	GraphToken       Problem = "graph-token"
	WrongAlgorithm   Problem = "id-token-algorithm"
	NoKeyID          Problem = "id-token-no-key-id"
	Opaque           Problem = "id-token-opaque"
	NotOIDC          Problem = "not-oidc"
	OtherIssuer      Problem = "oidc-other-issuer"
	NoSuchFlow       Problem = "oidc-no-such-flow"
	WrongClient      Problem = "oidc-wrong-client"
	WrongLogin       Problem = "oidc-wrong-login"
	FlowForbidden    Problem = "oidc-flow-forbidden"
	WrongScope       Problem = "oidc-wrong-scope"
	WrongTarget      Problem = "oidc-wrong-audience"
	BehindProxy      Problem = "oidc-behind-proxy"
	Cancelled        Problem = "login-cancelled"
	NoLogin          Problem = "login-timed-out"
	PortTaken        Problem = "redirect-port-taken"
	NotThisLogin     Problem = "id-token-of-another-login"
	NoSecretThere    Problem = "oidc-secret-missing"
)

// words complete the sentence "the ID token from X ...".
var words = map[Problem]string{
	NoSource:         "this job offers no ID token",
	Empty:            "is empty",
	SeveralLines:     "has white space inside",
	NotJWT:           "is not a JWT",
	Expired:          "has expired",
	TooLong:          "is too long",
	NoPermission:     "is not offered to this job",
	ForkPullRequest:  "is not offered to this job",
	Dependabot:       "is not offered to this job",
	NoGiteaToken:     "is not offered: Gitea issues no ID tokens",
	NoForgejoToken:   "is not offered: the job lacks enable-openid-connect: true, or is for a fork's pull request",
	NoVariable:       "is not there: the variable is not set",
	NoIDTokens:       "is not there: the variable is not set",
	OldVariable:      "is not there: the variable is not set",
	OtherJob:         "is not this job's",
	NoFile:           "is not there: no such file",
	Unreadable:       "cannot be read",
	APICredential:    "is a credential for the Kubernetes API, so it is not sent to Quay",
	JobCredential:    "is another credential of this job, so it is not sent to Quay",
	Denied:           "was denied",
	Insecure:         "is not asked for by plain http",
	UnknownSource:    "is not known",
	NoAzureEndpoint:  "is not offered: the agent sets no SYSTEM_OIDCREQUESTURI",
	NoAzureToken:     "cannot be asked for: this step has no SYSTEM_ACCESSTOKEN",
	NoBuildkiteToken: "cannot be asked for: BUILDKITE_JOB_ID and BUILDKITE_AGENT_ACCESS_TOKEN are not both set",
	NoCircleToken:    "is not there: neither CIRCLE_OIDC_TOKEN_V2 nor CIRCLE_OIDC_TOKEN is set",
	NoResource:       "cannot be asked for: the audience is not an App ID URI",
	RefreshToken:     "is a refresh token, not an ID token, and is not sent",
	GraphToken:       "is for Microsoft Graph, which alone can verify it, and is not sent",
	WrongAlgorithm:   "has a signature that Quay does not take",
	NoKeyID:          "has no kid in its header, by which Quay finds the key",
	Opaque:           "is opaque: the provider gave no ID token, and its access token is no JWT",
	NotOIDC:          "cannot be asked for: there is no OIDC provider",
	OtherIssuer:      "is not asked for: the provider calls itself otherwise",
	NoSuchFlow:       "cannot be asked for: the provider does not have that flow",
	WrongClient:      "was denied by the provider",
	WrongLogin:       "was denied by the provider",
	FlowForbidden:    "was denied by the provider",
	WrongScope:       "was denied by the provider",
	WrongTarget:      "was denied by the provider",
	BehindProxy:      "is not asked for: the provider calls itself http",
	Cancelled:        "was refused at the provider: the login was cancelled",
	NoLogin:          "did not come: nobody logged in in time",
	PortTaken:        "cannot be asked for: there is no port for the browser's way back",
	NotThisLogin:     "is not of this login",
	NoSecretThere:    "cannot be asked for: a secret is missing",
}

// Error is the error of a job without a usable ID token.
type Error struct {
	Problem Problem
	Source  string // its name; "" where none was found
	Detail  string // what was seen, as "has 2 lines"
	Err     error  // the cause, if there is one
	// Platform is the recognised one, for NoSource.
	Platform ManualPlatform
}

// Error says which source, and what is wrong with it.
func (e *Error) Error() string {
	said := cmp.Or(e.Detail, words[e.Problem], "is not usable")
	if e.Source != "" {
		said = "the ID token from " + e.Source + " " + said
	}
	if e.Err != nil {
		said += ": " + e.Err.Error()
	}
	return said
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
