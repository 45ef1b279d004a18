// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"quay-keyless/internal/idtoken"
)

// sourceCures is what the problems of OIDC clients and of single platforms need.
var sourceCures = map[idtoken.Problem][]string{
	idtoken.NoAzureEndpoint:  {"Azure DevOps Services gives ID tokens to agents of 2024 and later; Azure DevOps Server gives none: --id-token-source oidc with a provider of your own"},
	idtoken.NoAzureToken:     {"add to the step: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}"},
	idtoken.NoBuildkiteToken: {"run it in the job itself; a container of the job needs --env BUILDKITE --env BUILDKITE_JOB_ID --env BUILDKITE_AGENT_ACCESS_TOKEN --env BUILDKITE_AGENT_ENDPOINT"},
	idtoken.NoCircleToken:    {"CircleCI gives no ID token to builds of forks, and none on its air-gapped server; else give the job a context"},
	idtoken.NoResource:       {"name the application that the token is for by its App ID URI: --audience api://APPLICATION"},
	idtoken.RefreshToken:     {"hand over the provider's id_token, or its access_token, never the refresh_token"},
	idtoken.GraphToken:       {"ask for a token of an application of your own: --audience api://APPLICATION"},
	idtoken.WrongAlgorithm: {
		"Keycloak: choose RS256 as the client's signature algorithm for ID tokens and access tokens, or as the realm's default one",
		"at other providers: RS256 for this client",
	},
	idtoken.NoKeyID: {"Quay finds the key by it: the provider has to set one"},
	idtoken.Opaque:  {"ask for an ID token: --oidc-scope with openid in it; or have the provider write access tokens as JWT"},
	idtoken.NotOIDC: {"an issuer is the URL before /.well-known/openid-configuration: at Keycloak https://HOST/realms/REALM, before its release 17 https://HOST/auth/realms/REALM"},
	idtoken.OtherIssuer: {
		"name it as it calls itself, a slash at the end too; Entra's common and organizations stand for a tenant: name that",
	},
	idtoken.NoSuchFlow:    {"choose another: --oidc-flow client-credentials, password, device or code"},
	idtoken.WrongClient:   {"look at --oidc-client-id and at the client's secret; a client without a secret needs no secret here"},
	idtoken.WrongLogin:    {"look at the user's name and password; a code can be used once and soon"},
	idtoken.FlowForbidden: {"Keycloak: switch the flow on at the client: Direct access grants for password, Service account roles for client-credentials, Standard flow for code, Device authorization for device"},
	idtoken.WrongScope:    {"look at --oidc-scope, and at --audience where the source is entra"},
	idtoken.Cancelled:     {"run the command again to log in after all"},
	idtoken.NoLogin:       {"run the command again; --timeout 10m leaves more time"},
	idtoken.PortTaken:     {"leave --oidc-redirect-port out, or name a free port that the client's redirect URIs have too: http://127.0.0.1:PORT/callback"},
	idtoken.NotThisLogin:  {"the provider, or somebody in between, mixes logins up: run the command again, and do not trust the first answer"},
	idtoken.NoSecretThere: {"a file: --oidc-client-secret-file or --oidc-password-file; a variable: OIDC_CLIENT_SECRET or OIDC_PASSWORD"},
}

// sourceHints are the cures that the older table has not, nil for its own.
func sourceHints(e *idtoken.Error) []string {
	if e.Problem == idtoken.NoSource && e.Platform.Name != "" {
		return platformHints(e.Platform)
	}
	if e.Problem == idtoken.Denied && e.Source != "github" {
		return deniedHints(e.Source)
	}
	return sourceCures[e.Problem]
}

// deniedHints is what a platform's own no usually means.
func deniedHints(source string) []string {
	switch source {
	case "azure-pipelines":
		return []string{"the step's access token is not this job's: env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}"}
	case "buildkite":
		return []string{"Buildkite gives ID tokens while the job runs; --subject-claim is one of organization_id, pipeline_id, cluster_id, queue_id"}
	case "azure-identity":
		return []string{"give the machine an identity; of several, name one by --oidc-client-id; --audience is the App ID URI of an application in its tenant"}
	case "google":
		return []string{"give the machine a service account; in GKE, bind the pod's to one by Workload Identity Federation"}
	}
	return []string{"the words are the provider's: its log tells more"}
}

// platformHints tells a job of a known platform where its token is.
func platformHints(platform idtoken.Platform) []string {
	if platform.Never {
		return []string{
			platform.Name + " cannot log in by its own token: " + platform.Know,
			"a provider of your own can: --oidc-issuer URL --oidc-client-id ID, with OIDC_CLIENT_SECRET as a secured variable",
		}
	}
	place := "--id-token-env " + platform.Variable
	if platform.File != "" {
		place = "--id-token-file " + platform.File
	}
	return []string{fmt.Sprintf("this is %s: %s", platform.Name, place), platform.Know}
}
