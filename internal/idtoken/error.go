// SPDX-License-Identifier: Apache-2.0

package idtoken

import "fmt"

// Problem is why there is no usable ID token: a stable code, see package explain.
type Problem string

// The problems. Package explain has a cure for each.
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

// Error is the error of a job without a usable ID token.
type Error struct {
	Problem Problem
	Source  string // the name of the token's source; "" if it has no source
	Detail  string // completes "the ID token from X ...", as "has 2 lines"
	Missing bool   // there is no token: Detail completes "no ID token from X: ..."
	Err     error  // the cause, if there is one
	// Platform is the recognised one, for NoSource.
	Platform ManualPlatform
}

// fail is the error of a token that cannot be used.
func fail(problem Problem, format string, args ...any) error {
	return &Error{Problem: problem, Detail: fmt.Sprintf(format, args...)}
}

// missing is the error of a token that is not there.
func missing(problem Problem, format string, args ...any) error {
	return &Error{Problem: problem, Missing: true, Detail: fmt.Sprintf(format, args...)}
}

// Error says which source, and what is wrong with it.
func (e *Error) Error() string {
	said := e.Detail
	switch {
	case e.Missing:
		said = "no ID token from " + e.Source + ": " + said
	case e.Source != "":
		said = "the ID token from " + e.Source + " " + said
	}
	if e.Err != nil {
		said += ": " + e.Err.Error()
	}
	return said
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
