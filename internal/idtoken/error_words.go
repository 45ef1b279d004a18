// SPDX-License-Identifier: Apache-2.0

package idtoken

// sourceWords completes the sentence for the problems of OIDC clients and of the
// platforms that came after the first three.
func (p Problem) sourceWords() string {
	switch p {
	case NoAzureEndpoint:
		return "is not offered: the agent sets no SYSTEM_OIDCREQUESTURI"
	case NoAzureToken:
		return "cannot be asked for: this step has no SYSTEM_ACCESSTOKEN"
	case NoBuildkiteToken:
		return "cannot be asked for: BUILDKITE_JOB_ID and BUILDKITE_AGENT_ACCESS_TOKEN are not both set"
	case NoCircleToken:
		return "is not there: neither CIRCLE_OIDC_TOKEN_V2 nor CIRCLE_OIDC_TOKEN is set"
	case NoResource:
		return "cannot be asked for: the audience is not an App ID URI"
	case RefreshToken:
		return "is a refresh token, not an ID token, and is not sent"
	case GraphToken:
		return "is for Microsoft Graph, which alone can verify it, and is not sent"
	case NoKeyID:
		return "has no kid in its header, by which Quay finds the key"
	case WrongAlgorithm:
		return "has a signature that Quay does not take"
	case NotOIDC:
		return "cannot be asked for: there is no OIDC provider"
	case OtherIssuer:
		return "is not asked for: the provider calls itself otherwise"
	case NoSuchFlow:
		return "cannot be asked for: the provider does not have that flow"
	case WrongClient, WrongLogin, FlowForbidden, WrongScope:
		return "was denied by the provider"
	case PortTaken:
		return "cannot be asked for: there is no port for the browser's way back"
	case NotThisLogin:
		return "is not of this login"
	case NoSecretThere:
		return "cannot be asked for: a secret is missing"
	case Opaque:
		return "is opaque: the provider gave no ID token, and its access token is no JWT"
	case Cancelled:
		return "was refused at the provider: the login was cancelled"
	case NoLogin:
		return "did not come: nobody logged in in time"
	}
	return "is not usable"
}
