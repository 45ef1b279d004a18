// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

// The ids of the default job on the platforms whose subjects have ids.
const (
	buildkitePipeline  = "018e5a22-d14c-7085-bb28-db0f83f43a1c"
	buildkiteJob       = "0184990a-477b-4fa8-9968-496074483cee"
	circleOrganization = "5f4dcc3b-0000-4000-8000-00000000a001"
	circleProject      = "5f4dcc3b-0000-4000-8000-00000000a002"
	circleUser         = "5f4dcc3b-0000-4000-8000-00000000a003"
	googleAccount      = "104563890123456789012"
	entraTenant        = "72f988bf-0000-4000-8000-00000000e001"
	entraObject        = "72f988bf-0000-4000-8000-00000000e002"
)

// otherRoutes are the endpoints that Azure Pipelines, Buildkite, Google Cloud and
// Azure offer to their jobs and machines.
func (s *Platforms) otherRoutes() []web.Route {
	keys := func(w http.ResponseWriter, r *http.Request) { s.keySet(r.PathValue("name"), false).Write(w) }
	return []web.Route{
		{Pattern: "/azure/oidctoken", Target: web.IDToken, Handler: s.serveAzurePipelines},
		{Pattern: "/buildkite/v3/jobs/{job}/oidc/tokens", Target: web.IDToken, Handler: s.serveBuildkite},
		{Pattern: "/computeMetadata/v1/instance/service-accounts/default/identity", Target: web.IDToken, Handler: s.serveGoogle},
		{Pattern: "/metadata/identity/oauth2/token", Target: web.IDToken, Handler: s.serveAzureIdentity},
		{Pattern: "/issuers/{name}/token", Target: web.IDToken, Handler: s.serveToken},
		{Pattern: "/issuers/{name}/device", Target: web.IDToken, Handler: s.serveDevice},
		{Pattern: "/issuers/{name}/auth", Target: web.IDToken, Handler: s.serveLogin},
		{Pattern: "/entra/{tenant}/v2.0/.well-known/openid-configuration", Target: web.Discovery, Handler: s.serveEntraDiscovery},
		{Pattern: "/entra/{tenant}/.well-known/openid-configuration", Target: web.Discovery, Handler: s.serveEntraDiscovery},
		{Pattern: "/entra/{tenant}/oauth2/v2.0/token", Target: web.IDToken, Handler: s.serveEntra},
		{Pattern: "/entra/{tenant}/keys/{name}", Target: web.JWKS, Handler: keys},
	}
}

// PlatformEnv is the environment of the default job on azure-pipelines, buildkite
// or circleci, of a machine on google or azure-identity, or of an application for
// entra.
func (s *Platforms) PlatformEnv(platform string) (map[string]string, error) {
	switch platform {
	case "azure-pipelines":
		return map[string]string{"TF_BUILD": "True", "SYSTEM_OIDCREQUESTURI": s.site.URL + "/azure/oidctoken", "SYSTEM_ACCESSTOKEN": s.jobs.add(Job{})}, nil
	case "buildkite":
		return map[string]string{
			"BUILDKITE": "true", "BUILDKITE_JOB_ID": buildkiteJob,
			"BUILDKITE_AGENT_ENDPOINT": s.site.URL + "/buildkite/v3", "BUILDKITE_AGENT_ACCESS_TOKEN": s.jobs.add(Job{}),
		}, nil
	case "circleci":
		first, err := s.Mint(jwt.Spec{Issuer: "circleci", Audience: []string{circleOrganization}})
		if err != nil {
			return nil, err
		}
		second, err := s.Mint(jwt.Spec{Issuer: "circleci", Audience: []string{circleOrganization}, Subject: DefaultSubject("circleci") + "/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main"})
		return map[string]string{"CIRCLECI": "true", "CIRCLE_OIDC_TOKEN": first, "CIRCLE_OIDC_TOKEN_V2": second}, err
	case "google":
		return map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(s.site.PlainURL, "http://")}, nil
	case "azure-identity":
		return map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.site.PlainURL}, nil
	case "entra":
		return map[string]string{
			"AZURE_AUTHORITY_HOST": s.site.URL + "/entra", "AZURE_TENANT_ID": entraTenant,
			"AZURE_CLIENT_ID": ConfidentialClient, "AZURE_CLIENT_SECRET": ClientSecret,
		}, nil
	}
	return nil, fmt.Errorf("sandbox: no platform %q", platform)
}

// bearer reports whether the request has a job's token under that scheme.
func (s *Platforms) bearer(r *http.Request, scheme string) bool {
	words := strings.Fields(r.Header.Get("Authorization"))
	if len(words) != 2 || words[0] != scheme {
		return false
	}
	_, ok := s.jobs.find(words[1])
	return ok
}

// serveAzurePipelines answers as System.OidcRequestUri does. Without the header
// that suppresses it, Azure DevOps redirects an unknown client to a sign-in page.
func (s *Platforms) serveAzurePipelines(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		web.JSON(http.StatusMethodNotAllowed, map[string]string{"message": "The requested resource does not support http method '" + r.Method + "'."}).Write(w)
	case !s.bearer(r, "Bearer") && r.Header.Get("X-TFS-FedAuthRedirect") != "Suppress":
		web.Page(http.StatusFound, web.TypeHTMLUTF8, "Object moved", "").With("Location", "https://spsprodeus.example/_signin").Write(w)
	case !s.bearer(r, "Bearer"):
		web.JSON(http.StatusUnauthorized, map[string]string{"message": "TF400813: The user '' is not authorized to access this resource."}).Write(w)
	case r.URL.Query().Get("api-version") == "":
		web.JSON(http.StatusBadRequest, map[string]string{"message": "No api-version was supplied for the request."}).Write(w)
	default:
		s.serveMinted(w, "oidcToken", jwt.Spec{Issuer: "azure-pipelines", Audience: []string{"api://AzureADTokenExchange"}})
	}
}

// serveBuildkite answers as the agent API does.
func (s *Platforms) serveBuildkite(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Audience     string `json:"audience"`
		SubjectClaim string `json:"subject_claim"`
	}
	subjects := map[string]string{
		"":            "organization:acme:pipeline:app:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:push",
		"pipeline_id": buildkitePipeline, "organization_id": "018e5a22-0000-7085-bb28-db0f83f43a1c",
	}
	subject, known := "", false
	if json.NewDecoder(r.Body).Decode(&body) == nil {
		subject, known = subjects[body.SubjectClaim]
	}
	refuse := func(status int, message string) { web.JSON(status, map[string]string{"message": message}).Write(w) }
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusNotFound, "Not Found")
	case !s.bearer(r, "Token"):
		refuse(http.StatusUnauthorized, "Invalid access token")
	case r.PathValue("job") != buildkiteJob:
		refuse(http.StatusForbidden, "Must be called from a running job")
	case r.Header.Get("Content-Type") != web.TypeJSON || !known:
		refuse(http.StatusUnprocessableEntity, "subject_claim is not one of the immutable claims")
	default:
		s.serveMinted(w, "token", jwt.Spec{Issuer: "buildkite", Subject: subject, Audience: []string{body.Audience}})
	}
}

// serveGoogle answers as the metadata server does: in plain text, with its header.
func (s *Platforms) serveGoogle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Metadata-Flavor", "Google")
	query := r.URL.Query()
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "":
		web.Page(http.StatusForbidden, web.TypeHTMLUTF8, "Error 403 (Forbidden)", "Missing Metadata-Flavor:Google header").Write(w)
	case r.Method != http.MethodGet || query.Get("audience") == "":
		web.Page(http.StatusBadRequest, web.TypeHTMLUTF8, "Error 400", "non-empty audience parameter required").Write(w)
	default:
		s.serveRaw(w, jwt.Spec{Issuer: "google", Audience: query["audience"]})
	}
}

// serveAzureIdentity answers as Azure's metadata server does. Its access tokens
// are of the v1 issuer, as those of most applications.
func (s *Platforms) serveAzureIdentity(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	refuse := func(status int, code, words string) {
		web.JSON(status, map[string]string{"error": code, "error_description": words}).Write(w)
	}
	switch resource := query.Get("resource"); {
	case r.Header.Get("Metadata") != "true":
		refuse(http.StatusBadRequest, "bad_request_102", "Required metadata header not specified")
	case query.Get("api-version") == "" || resource == "":
		refuse(http.StatusBadRequest, "invalid_request", "Required query variable 'resource' is missing")
	case query.Get("client_id") == "unknown":
		refuse(http.StatusBadRequest, "invalid_request", "Identity not found")
	default:
		s.serveAccessToken(w, jwt.Spec{Issuer: s.site.URL + "/entra/" + entraTenant + "/", Subject: entraObject, Audience: []string{resource}})
	}
}

// serveMinted answers with a token as the only field of a JSON object.
func (s *Platforms) serveMinted(w http.ResponseWriter, field string, t jwt.Spec) {
	value, err := s.Mint(t)
	if err != nil {
		web.InternalError.Write(w)
		return
	}
	web.JSON(http.StatusOK, map[string]string{field: value}).Write(w)
}

// serveAccessToken answers with a token as Entra does.
func (s *Platforms) serveAccessToken(w http.ResponseWriter, t jwt.Spec) {
	value, err := s.Mint(t)
	if err != nil {
		web.InternalError.Write(w)
		return
	}
	web.JSON(http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": "3599", "access_token": value}).Write(w)
}

// serveEntraDiscovery is the tenant's document: of the v2 endpoint, or of the v1
// issuer, whose name ends with a slash.
func (s *Platforms) serveEntraDiscovery(w http.ResponseWriter, r *http.Request) {
	base := s.site.URL + "/entra/" + r.PathValue("tenant")
	issuer, keys := base+"/", r.PathValue("tenant")
	if strings.Contains(r.URL.Path, "/v2.0/") {
		issuer, keys = base+"/v2.0", "v2.0"
	}
	web.JSON(http.StatusOK, map[string]any{
		"issuer": issuer, "jwks_uri": base + "/keys/" + keys, "token_endpoint": base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
	}).Write(w)
}

// serveEntra is Entra's token endpoint for client credentials. The application
// api://v2 has v2 tokens, Microsoft Graph has its own, the others have the default.
func (s *Platforms) serveEntra(w http.ResponseWriter, r *http.Request) {
	base := s.site.URL + "/entra/" + r.PathValue("tenant")
	id, proven := s.clientOf(r)
	resource, ok := strings.CutSuffix(r.PostFormValue("scope"), "/.default")
	t := jwt.Spec{Issuer: base + "/", Subject: entraObject, Audience: []string{resource}}
	if resource == "api://v2" {
		t.Issuer, t.Audience = base+"/v2.0", []string{entraObject}
	}
	if strings.HasPrefix(resource, "https://graph.microsoft.com") {
		t.Header = map[string]any{"nonce": "rO0AB-of-graph"}
	}
	switch {
	case id != ConfidentialClient || !proven:
		oauthError(w, http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 0000\r\nCorrelation ID: 0000")
	case r.PostFormValue("grant_type") != "client_credentials":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case !ok || resource == "api://unknown":
		oauthError(w, http.StatusBadRequest, "invalid_resource", "AADSTS500011: The resource principal named "+resource+" was not found in the tenant.")
	default:
		s.serveAccessToken(w, t)
	}
}
