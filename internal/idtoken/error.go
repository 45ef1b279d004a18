// SPDX-License-Identifier: Apache-2.0

package idtoken

import "cmp"

// Problem is why there is no usable ID token.
type Problem int

// The problems. Each has its own cure in package explain.
const (
	// NoSource: nothing in this job's environment offers an ID token.
	NoSource Problem = iota + 1
	// Empty: the file, variable or input is empty.
	Empty
	// SeveralLines: there is white space inside.
	SeveralLines
	// NotJWT: the text is not a JWT in compact form.
	NotJWT
	// Expired: the token's exp has passed.
	Expired
	// TooLong: Quay's front would refuse the header that carries the token.
	TooLong
	// NoPermission: a GitHub job without id-token: write.
	NoPermission
	// ForkPullRequest: a GitHub job for a pull request from a fork, which
	// gets no write permission.
	ForkPullRequest
	// Dependabot: a GitHub job that Dependabot started, which by default gets no
	// write permission either.
	Dependabot
	// NoGiteaToken: a Gitea job, or one of an old Forgejo runner.
	NoGiteaToken
	// NoForgejoToken: a Forgejo job without enable-openid-connect.
	NoForgejoToken
	// NoVariable: the variable that should hold the token is not set.
	NoVariable
	// NoIDTokens: a GitLab job without id_tokens: QUAY_ID_TOKEN.
	NoIDTokens
	// OldVariable: a GitLab job with CI_JOB_JWT, which GitLab 17.0 removed, alone.
	OldVariable
	// OtherJob: the variable holds a token that is older than this GitLab job.
	OtherJob
	// NoFile: the file that should hold the token does not exist.
	NoFile
	// Unreadable: the file or input cannot be read.
	Unreadable
	// APICredential: the Kubernetes API accepts the token.
	APICredential
	// Denied: the endpoint that gives ID tokens answered with a 4xx.
	Denied
	// Insecure: the endpoint that gives ID tokens is asked by plain http.
	Insecure
	// UnknownSource: no source has that name.
	UnknownSource
	// NoAzureEndpoint: an Azure Pipelines job whose agent names no endpoint.
	NoAzureEndpoint
	// NoAzureToken: an Azure Pipelines step without the job's access token.
	NoAzureToken
	// NoBuildkiteToken: a Buildkite job without what its agent sets.
	NoBuildkiteToken
	// NoCircleToken: a CircleCI job without a token.
	NoCircleToken
	// NoResource: a source that needs an App ID URI as its audience has none.
	NoResource
	// RefreshToken: the token is one to renew others with.
	RefreshToken
	// GraphToken: the token is one for Microsoft Graph.
	GraphToken
	// WrongAlgorithm: Quay cannot verify the signature.
	WrongAlgorithm
	// NoKeyID: the header does not tell the key.
	NoKeyID
	// Opaque: an OIDC provider gave no token that is a JWT.
	Opaque
	// NotOIDC: an issuer is no OIDC provider.
	NotOIDC
	// OtherIssuer: an OIDC provider calls itself otherwise.
	OtherIssuer
	// NoSuchFlow: an OIDC provider has no endpoint for the flow.
	NoSuchFlow
	// WrongClient: an OIDC provider does not know the client or its secret.
	WrongClient
	// WrongLogin: an OIDC provider refused the user's password or the code.
	WrongLogin
	// FlowForbidden: an OIDC provider does not allow this client that flow.
	FlowForbidden
	// WrongScope: an OIDC provider does not give that scope.
	WrongScope
	// WrongTarget: an OIDC provider wants to know what the token is for, or refuses that.
	WrongTarget
	// BehindProxy: an OIDC provider does not know that it is reached by https.
	BehindProxy
	// Cancelled: the user, or an administrator, refused the login.
	Cancelled
	// NoLogin: nobody logged in in time.
	NoLogin
	// PortTaken: the port for the browser's way back is another program's.
	PortTaken
	// NotThisLogin: a token does not belong to the login that was begun.
	NotThisLogin
	// NoSecretThere: a secret's file or variable is missing or empty.
	NoSecretThere
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
