// SPDX-License-Identifier: Apache-2.0

package idtoken

import "cmp"

// Problem is why there is no usable ID token: a stable code, see package explain.
type Problem string

// The problems. Each has its own cure in package explain.
const (
	// NoSource: nothing in this job's environment offers an ID token.
	NoSource Problem = "no-id-token"
	// Empty: the file, variable or input is empty.
	Empty Problem = "id-token-empty"
	// SeveralLines: there is white space inside.
	SeveralLines Problem = "id-token-several-lines"
	// NotJWT: the text is not a JWT in compact form.
	NotJWT Problem = "id-token-not-jwt"
	// Expired: the token's exp has passed.
	Expired Problem = "id-token-expired"
	// TooLong: Quay's front would refuse the header that carries the token.
	TooLong Problem = "id-token-too-long"
	// NoPermission: a GitHub job without id-token: write.
	NoPermission Problem = "no-id-token-permission"
	// ForkPullRequest: a GitHub job for a pull request from a fork, which
	// gets no write permission.
	ForkPullRequest Problem = "fork-pull-request"
	// Dependabot: a GitHub job that Dependabot started, which by default gets no
	// write permission either.
	Dependabot Problem = "dependabot"
	// NoGiteaToken: a Gitea job, or one of an old Forgejo runner.
	NoGiteaToken Problem = "gitea-no-id-tokens"
	// NoForgejoToken: a Forgejo job without enable-openid-connect.
	NoForgejoToken Problem = "forgejo-no-id-token"
	// NoVariable: the variable that should hold the token is not set.
	NoVariable Problem = "no-id-token-variable"
	// NoIDTokens: a GitLab job without id_tokens: QUAY_ID_TOKEN.
	NoIDTokens Problem = "gitlab-no-id-tokens"
	// OldVariable: a GitLab job with CI_JOB_JWT, which GitLab 17.0 removed, alone.
	OldVariable Problem = "gitlab-ci-job-jwt"
	// OtherJob: the variable holds a token that is older than this GitLab job.
	OtherJob Problem = "id-token-of-another-job"
	// NoFile: the file that should hold the token does not exist.
	NoFile Problem = "no-id-token-file"
	// Unreadable: the file or input cannot be read.
	Unreadable Problem = "id-token-unreadable"
	// APICredential: the Kubernetes API accepts the token.
	APICredential Problem = "kubernetes-api-token"
	// Denied: the endpoint that gives ID tokens answered with a 4xx.
	Denied Problem = "id-token-denied"
	// Insecure: the endpoint that gives ID tokens is asked by plain http.
	Insecure Problem = "id-token-by-http"
	// UnknownSource: no source has that name.
	UnknownSource Problem = "unknown-source"
	// NoAzureEndpoint: an Azure Pipelines job whose agent names no endpoint.
	NoAzureEndpoint Problem = "azure-no-oidc"
	// NoAzureToken: an Azure Pipelines step without the job's access token.
	NoAzureToken Problem = "azure-no-access-token"
	// NoBuildkiteToken: a Buildkite job without what its agent sets.
	NoBuildkiteToken Problem = "buildkite-no-agent-token"
	// NoCircleToken: a CircleCI job without a token.
	NoCircleToken Problem = "circleci-no-id-token"
	// NoResource: a source that needs an App ID URI as its audience has none.
	NoResource Problem = "audience-not-app-id"
	// RefreshToken: the token is one to renew others with.
	RefreshToken Problem = "refresh-token"
	// GraphToken: the token is one for Microsoft Graph.
	GraphToken Problem = "graph-token"
	// WrongAlgorithm: Quay cannot verify the signature.
	WrongAlgorithm Problem = "id-token-algorithm"
	// NoKeyID: the header does not tell the key.
	NoKeyID Problem = "id-token-no-key-id"
	// Opaque: an OIDC provider gave no token that is a JWT.
	Opaque Problem = "id-token-opaque"
	// NotOIDC: an issuer is no OIDC provider.
	NotOIDC Problem = "not-oidc"
	// OtherIssuer: an OIDC provider calls itself otherwise.
	OtherIssuer Problem = "oidc-other-issuer"
	// NoSuchFlow: an OIDC provider has no endpoint for the flow.
	NoSuchFlow Problem = "oidc-no-such-flow"
	// WrongClient: an OIDC provider does not know the client or its secret.
	WrongClient Problem = "oidc-wrong-client"
	// WrongLogin: an OIDC provider refused the user's password or the code.
	WrongLogin Problem = "oidc-wrong-login"
	// FlowForbidden: an OIDC provider does not allow this client that flow.
	FlowForbidden Problem = "oidc-flow-forbidden"
	// WrongScope: an OIDC provider does not give that scope.
	WrongScope Problem = "oidc-wrong-scope"
	// WrongTarget: an OIDC provider wants to know what the token is for, or refuses that.
	WrongTarget Problem = "oidc-wrong-audience"
	// BehindProxy: an OIDC provider does not know that it is reached by https.
	BehindProxy Problem = "oidc-behind-proxy"
	// Cancelled: the user, or an administrator, refused the login.
	Cancelled Problem = "login-cancelled"
	// NoLogin: nobody logged in in time.
	NoLogin Problem = "login-timed-out"
	// PortTaken: the port for the browser's way back is another program's.
	PortTaken Problem = "redirect-port-taken"
	// NotThisLogin: a token does not belong to the login that was begun.
	NotThisLogin Problem = "id-token-of-another-login"
	// NoSecretThere: a secret's file or variable is missing or empty.
	NoSecretThere Problem = "oidc-secret-missing"
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
