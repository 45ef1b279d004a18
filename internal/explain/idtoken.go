// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"quay-keyless/internal/idtoken"
)

// idTokenCures says what to do about each problem of a job without an ID token.
var idTokenCures = map[idtoken.Problem][]string{
	idtoken.NoSource: {
		"GitHub Actions: give the job the permission id-token: write",
		"GitLab CI: give the job id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"Tekton, Kubernetes: mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay",
		"elsewhere: --id-token-file PATH, --id-token-env NAME or --id-token-stdin",
	},
	idtoken.NoPermission: {
		"add to the job or the workflow: permissions: {contents: read, id-token: write}",
		"a reusable workflow of another organization gets it only if its caller has it too",
	},
	idtoken.NoGiteaToken: {
		"use an OIDC provider, with its client secret as a secret of the repository: --oidc-issuer URL --oidc-client-id ID, with OIDC_CLIENT_SECRET",
		"on Forgejo, add to the job or the workflow: enable-openid-connect: true",
	},
	idtoken.NoForgejoToken: {"add to the job or the workflow: enable-openid-connect: true"},
	idtoken.ForkPullRequest: {
		"push images in a job that runs after the merge: GitHub gives jobs of a fork's pull request no ID token, whatever the permissions say",
	},
	idtoken.Dependabot: {
		"leave the login out where nothing is pushed: if: github.actor != 'dependabot[bot]'",
		"GitHub treats such a job as a fork's: only permissions: {contents: read, id-token: write} in its own workflow can give it an ID token",
	},
	idtoken.NoIDTokens: {
		"add to the job: id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"with the component quay-login: the job needs extends: .quay-login, its before_script alone brings no ID token",
		"a token under another name: --id-token-env NAME",
	},
	idtoken.OldVariable: {
		"add to the job: id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"GitLab 17.0 removed CI_JOB_JWT and its kin, whose audience no job could choose; id_tokens are there since 15.7",
	},
	idtoken.OtherJob: {
		"remove what hides the job's own QUAY_ID_TOKEN: a CI/CD variable of the project or group, or a dotenv report of an earlier job",
		"an ID token handed on by artifacts can be downloaded by the project's members: let each job have its own, by id_tokens",
	},
	idtoken.NoVariable: {
		"name a variable that this job has; --id-token-source auto looks at what the platform offers",
	},
	idtoken.NoFile: {
		"look at the step that was to write it; in a pod: mount a projected serviceAccountToken volume with the audience quay there",
	},
	idtoken.Unreadable: {"look at who owns the file, and whether it is one"},
	idtoken.Denied:     {"the answer is the provider's: its log tells more"}, // but see deniedCures
	idtoken.Insecure:   {"the CI server has to be reached by https: else everybody on the way can read the request token"},
	idtoken.APICredential: {
		"in a pod, mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay, and leave --id-token-file out",
		"elsewhere: kubectl create token NAME --audience quay",
	},
	idtoken.Empty:        {"look at the step that was to write the ID token there: it wrote nothing"},
	idtoken.SeveralLines: {"the ID token alone belongs there, in one line"},
	idtoken.NotJWT: {
		"an ID token has three parts with dots between them and begins with eyJ; opaque access tokens and robot passwords cannot be exchanged",
	},
	idtoken.Expired: {
		"log in earlier in the job, or have the platform give a fresh ID token right before",
	},
	idtoken.TooLong:          {fewerClaims},
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
	idtoken.WrongScope:    {"look at --oidc-scope, and at --audience where the source is entra", "--oidc-scope \"\" asks for none"},
	idtoken.WrongTarget: {
		"name the API that the token is for: --oidc-audience AUDIENCE, which is sent as audience, and also as resource if it is a URI",
		"the provider must know that API, and allow it for this client",
	},
	idtoken.BehindProxy: {
		"tell the provider that it is reached by https. Keycloak: KC_HOSTNAME=https://HOST, or KC_PROXY_HEADERS=xforwarded if the proxy in front sends X-Forwarded-Proto",
		"other providers: set the public URL to https, or trust the proxy's X-Forwarded-Proto",
	},
	idtoken.Cancelled:     {"run the command again to log in after all"},
	idtoken.NoLogin:       {"run the command again; --timeout 10m leaves more time"},
	idtoken.PortTaken:     {"leave --oidc-redirect-port out, or name a free port that the client's redirect URIs have too: http://127.0.0.1:PORT/callback"},
	idtoken.NotThisLogin:  {"the provider, or somebody in between, mixes logins up: run the command again, and do not trust the first answer"},
	idtoken.NoSecretThere: {"a file: --oidc-client-secret-file or --oidc-password-file; a variable: OIDC_CLIENT_SECRET or OIDC_PASSWORD"},
}

func idTokenHints(e *idtoken.Error) []string {
	switch {
	case e.Problem == idtoken.NoSource && e.Platform.Name != "":
		return platformHints(e.Platform)
	case e.Problem == idtoken.Denied && deniedCures[e.Source] != nil:
		return deniedCures[e.Source]
	}
	return idTokenCures[e.Problem]
}
