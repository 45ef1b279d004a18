// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
)

// value is a step with one thing to copy.
func value(text, name, value string) platform.Step {
	return platform.Step{Text: text, Values: []platform.Value{{Name: name, Value: value}}}
}

// withoutToken is a row for a job without a usable ID token.
func withoutToken(steps ...platform.Step) reason {
	return reason{exitNoIDToken, func(f *facts) platform.Message {
		m := f.message("", steps...)
		if f.noToken.Err != nil {
			m.Text, m.Said = withoutCause(f.err, f.noToken.Err)
		}
		switch {
		case f.noToken.Problem == idtoken.APICredential:
			m.Text, m.Said = "quay-keyless does not send a credential for the Kubernetes API to Quay", f.err.Error()
		case f.noToken.Problem == idtoken.JobCredential:
			m.Text, m.Said = "quay-keyless does not send another credential of this job to Quay", f.err.Error()
		case f.noToken.Problem == idtoken.Unreadable && f.noToken.Missing:
			m.Steps = []platform.Step{do("Leave the variable as the CI platform sets it.")}
		case f.noToken.Problem == idtoken.NoSource && f.noToken.Platform.Name != "":
			m.Steps = platformSteps(f.noToken.Platform)
		case f.noToken.Problem == idtoken.Denied && deniedCures[f.noToken.Source] != nil:
			m.Steps = deniedCures[f.noToken.Source]
		}
		return m
	}}
}

// idTokenReasons has a row for each problem of a job without an ID token.
var idTokenReasons = map[string]reason{
	string(idtoken.NoSource): withoutToken(
		value("On GitHub Actions, add to the job:", "permissions", "{contents: read, id-token: write}"),
		value("On GitLab, add to the job:", "id_tokens", "{QUAY_ID_TOKEN: {aud: quay}}"),
		do("On Tekton and Kubernetes, mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay. Elsewhere, use --id-token-file PATH, --id-token-env NAME or --id-token-stdin.")),
	string(idtoken.NoPermission): withoutToken(
		value("Add to the job or the workflow:", "permissions", "{contents: read, id-token: write}"),
		do("If the job is in a reusable workflow of another organization, its caller needs the permission too.")),
	string(idtoken.NoGiteaToken): withoutToken(
		do("Use an OIDC provider, with its client secret as a secret of the repository: --oidc-issuer URL --oidc-client-id ID, with OIDC_CLIENT_SECRET."),
		value("On Forgejo, add to the job or the workflow:", "enable-openid-connect", "true")),
	string(idtoken.NoForgejoToken): withoutToken(
		value("Add to the job or the workflow:", "enable-openid-connect", "true")),
	string(idtoken.ForkPullRequest): withoutToken(
		do("Push images in a job that runs after the merge. GitHub gives no ID token to pull requests from forks, whatever the permissions say.")),
	string(idtoken.Dependabot): withoutToken(
		value("If the job pushes nothing, skip the login:", "if", "github.actor != 'dependabot[bot]'"),
		value("GitHub treats the job like one from a fork. To get an ID token all the same, add to its own workflow:", "permissions", "{contents: read, id-token: write}")),
	string(idtoken.NoIDTokens): withoutToken(
		value("Add to the job:", "id_tokens", "{QUAY_ID_TOKEN: {aud: quay}}"),
		value("With the component quay-login, the before_script alone brings no ID token. Add to the job:", "extends", ".quay-login"),
		do("If the job has an ID token under another name, add --id-token-env NAME.")),
	string(idtoken.OldVariable): withoutToken(
		value("Add to the job:", "id_tokens", "{QUAY_ID_TOKEN: {aud: quay}}"),
		do("GitLab 17.0 removed CI_JOB_JWT. GitLab has id_tokens since 15.7.")),
	string(idtoken.OtherJob): withoutToken(
		do("Remove what hides the job's own QUAY_ID_TOKEN: a CI/CD variable of the project or group, or a dotenv report of an earlier job."),
		do("Let each job get its own ID token with id_tokens. Members of the project can download one that is passed on in artifacts.")),
	string(idtoken.NoVariable): withoutToken(
		do("Name a variable that this job has, or use --id-token-source auto.")),
	string(idtoken.NoFile): withoutToken(
		do("Check the step that should write the file."),
		do("In a Pod, mount a projected serviceAccountToken volume with the audience quay there.")),
	string(idtoken.Unreadable): withoutToken(
		do("Check the file's owner and mode, and whether it is a file.")),
	string(idtoken.Denied): withoutToken(
		do("See the provider's log for the cause.")),
	string(idtoken.Insecure): withoutToken(
		do("Use an https address for the CI server. With http, everybody on the way can read the request token.")),
	string(idtoken.APICredential): withoutToken(
		do("In a Pod, mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay, and leave out --id-token-file."),
		paste("Elsewhere, create a token for Quay:", "kubectl create token NAME --audience quay")),
	string(idtoken.JobCredential): withoutToken(
		do("Leave out --id-token-env, --id-token-file and --id-token-stdin: quay-keyless requests the ID token itself."),
		do("On GitLab, name the variable under id_tokens. CI_JOB_TOKEN is not an ID token.")),
	string(idtoken.Empty): withoutToken(
		do("Check the step that should write the ID token: it wrote nothing.")),
	string(idtoken.SeveralLines): withoutToken(
		do("Write the ID token alone, in one line.")),
	string(idtoken.NotJWT): withoutToken(
		do("Check what the job passes as the ID token. It has three parts with dots between them and begins with eyJ. Opaque access tokens and robot passwords cannot be exchanged.")),
	string(idtoken.Expired): withoutToken(
		do("Log in earlier in the job, or request a new ID token right before.")),
	string(idtoken.TooLong): withoutToken(
		do("Configure the ID token's provider to %s.", fewerClaims)),
	string(idtoken.UnknownSource): {exitUsage, nil},
	string(idtoken.NoAzureEndpoint): withoutToken(
		do("Use an agent of 2024 or later on Azure DevOps Services. Azure DevOps Server offers no ID tokens: use --id-token-source oidc with your own provider.")),
	string(idtoken.NoAzureToken): withoutToken(
		value("Add to the step:", "env", "{SYSTEM_ACCESSTOKEN: $(System.AccessToken)}")),
	string(idtoken.NoBuildkiteToken): withoutToken(
		value("Run quay-keyless in the job itself. If it runs in a container of the job, add:", "docker run", "--env BUILDKITE --env BUILDKITE_JOB_ID --env BUILDKITE_AGENT_ACCESS_TOKEN --env BUILDKITE_AGENT_ENDPOINT")),
	string(idtoken.NoCircleToken): withoutToken(
		do("Give the job a context. CircleCI gives no ID token to builds of forks, nor on its air-gapped server.")),
	string(idtoken.NoResource): withoutToken(
		do("Name the application that the token is for by its App ID URI: --audience api://APPLICATION")),
	string(idtoken.RefreshToken): withoutToken(
		do("Pass the provider's id_token or access_token. Never pass the refresh_token.")),
	string(idtoken.GraphToken): withoutToken(
		do("Request a token for your own application: --audience api://APPLICATION")),
	string(idtoken.WrongAlgorithm): withoutToken(
		do("In Keycloak, choose RS256 as the client's signature algorithm for ID tokens and access tokens, or as the realm's default."),
		do("At other providers, choose RS256 for this client.")),
	string(idtoken.NoKeyID): withoutToken(
		do("Configure the provider to set a key ID (kid). Quay finds the key by it.")),
	string(idtoken.Opaque): withoutToken(
		do("Request an ID token: include openid in --oidc-scope."),
		do("Or configure the provider to write access tokens as JWT.")),
	string(idtoken.NotOIDC): withoutToken(
		do("Name the issuer: the URL before /.well-known/openid-configuration. For Keycloak it is https://HOST/realms/REALM, before release 17 https://HOST/auth/realms/REALM.")),
	string(idtoken.OtherIssuer): withoutToken(
		do("Name the issuer exactly as it names itself, including a slash at the end. For Entra ID, name the tenant instead of common or organizations.")),
	string(idtoken.NoSuchFlow): withoutToken(
		do("Choose another flow: --oidc-flow client-credentials, password, device or code")),
	string(idtoken.WrongClient): withoutToken(
		do("Check --oidc-client-id and the client's secret. A client without a secret needs none here.")),
	string(idtoken.WrongLogin): withoutToken(
		do("Check the user's name and password. A code works only once, and soon expires.")),
	string(idtoken.FlowForbidden): withoutToken(
		do("In Keycloak, enable the flow for the client: Direct access grants for password, Service account roles for client-credentials, Standard flow for code, Device authorization for device.")),
	string(idtoken.WrongScope): withoutToken(
		do("Check --oidc-scope, and with --id-token-source entra also --audience."),
		do("If the client may have no scope, write --oidc-scope \"\".")),
	string(idtoken.WrongTarget): withoutToken(
		do("Name the API that the token is for: --oidc-audience AUDIENCE. It is sent as audience, and also as resource if it is a URI."),
		do("Configure the provider to know that API and to allow it for this client.")),
	string(idtoken.BehindProxy): withoutToken(
		do("Tell the provider that it is reached with https. For Keycloak, set KC_HOSTNAME=https://HOST, or KC_PROXY_HEADERS=xforwarded if the proxy in front sends X-Forwarded-Proto."),
		do("For other providers, set the public URL to https, or trust the proxy's X-Forwarded-Proto.")),
	string(idtoken.Cancelled): withoutToken(
		do("Run the command again to log in.")),
	string(idtoken.NoLogin): withoutToken(
		do("Run the command again. --timeout 10m leaves more time.")),
	string(idtoken.PortTaken): withoutToken(
		do("Leave out --oidc-redirect-port, or name a free port that the client's redirect URIs contain: http://127.0.0.1:PORT/callback")),
	string(idtoken.NotThisLogin): withoutToken(
		do("Run the command again, and do not trust the first answer: the provider, or somebody on the way, mixed up logins.")),
	string(idtoken.NoSecretThere): withoutToken(
		do("Name a file with --oidc-client-secret-file or --oidc-password-file, or set OIDC_CLIENT_SECRET or OIDC_PASSWORD.")),
}

// deniedCures says what a platform's refusal usually means.
var deniedCures = map[string][]platform.Step{
	"github":          {value("GitHub gives ID tokens only while the job runs, and only with this permission:", "permissions", "{contents: read, id-token: write}"), value("On Forgejo, add:", "enable-openid-connect", "true")},
	"azure-pipelines": {value("The step's access token is not this job's. Add to the step:", "env", "{SYSTEM_ACCESSTOKEN: $(System.AccessToken)}")},
	"buildkite":       {do("Log in while the job runs. --subject-claim is organization_id, pipeline_id, cluster_id or queue_id.")},
	"azure-identity":  {do("Give the machine an identity. If it has several, choose one with --oidc-client-id."), do("Set --audience to the App ID URI of an application in the machine's tenant.")},
	"google":          {do("Give the machine a service account. In GKE, bind the Pod's service account to one with Workload Identity Federation.")},
}

// platformSteps say where a known platform keeps its ID token.
func platformSteps(known idtoken.ManualPlatform) []platform.Step {
	if known.Never {
		return []platform.Step{
			do("%s cannot log in with an ID token of its own: %s", known.Name, known.Know),
			do("Use an OIDC provider: --oidc-issuer URL --oidc-client-id ID, with OIDC_CLIENT_SECRET as a secured variable."),
		}
	}
	flag := "--id-token-env " + known.Variable
	if known.File != "" {
		flag = "--id-token-file " + known.File
	}
	return []platform.Step{value("On "+known.Name+", add:", "flag", flag), do("%s", known.Know)}
}
