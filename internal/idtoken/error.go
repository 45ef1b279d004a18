// SPDX-License-Identifier: Apache-2.0

package idtoken

// Problem is why there is no usable ID token.
type Problem int

// The problems, each with a cure of its own.
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
	// APICredential: the file is the pod's credential for the Kubernetes API.
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

// Error is the error of a job without a usable ID token.
type Error struct {
	Problem Problem
	Source  string // its name; "" where none was found
	Detail  string // what was seen, as "has 2 lines"
	Err     error  // the cause, if there is one
	// Platform is the one that was recognised, for NoSource.
	Platform Platform
}

// Error says which source, and what is wrong with it.
func (e *Error) Error() string {
	words := e.Detail
	if words == "" {
		words = e.Problem.words()
	}
	if e.Source != "" {
		words = "the ID token from " + e.Source + " " + words
	}
	if e.Err != nil {
		words += ": " + e.Err.Error()
	}
	return words
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// words completes the sentence "the ID token from X ...".
func (p Problem) words() string {
	switch p {
	case NoSource:
		return "this job offers no ID token"
	case Empty:
		return "is empty"
	case SeveralLines:
		return "has white space inside"
	case NotJWT:
		return "is not a JWT"
	case Expired:
		return "has expired"
	case TooLong:
		return "is too long"
	case NoPermission, ForkPullRequest, Dependabot:
		return "is not offered to this job"
	case OtherJob:
		return "is not this job's"
	case NoVariable, NoIDTokens, OldVariable:
		return "is not there: the variable is not set"
	case NoFile:
		return "is not there: no such file"
	case Unreadable:
		return "cannot be read"
	case APICredential:
		return "is the pod's credential for the Kubernetes API"
	case Denied:
		return "was denied"
	case Insecure:
		return "is not asked for by plain http"
	case UnknownSource:
		return "is not known"
	}
	return p.sourceWords()
}
