// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
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

// routePlatforms adds the endpoints that Azure Pipelines, Buildkite, Google Cloud and
// Azure offer to their jobs and machines.
func (s *Sandbox) routePlatforms(handle func(pattern, target string, handler http.HandlerFunc)) {
	handle("/azure/oidctoken", IDToken, s.serveAzurePipelines)
	handle("/buildkite/v3/jobs/{job}/oidc/tokens", IDToken, s.serveBuildkite)
	handle("/computeMetadata/v1/instance/service-accounts/default/identity", IDToken, s.serveGoogle)
	handle("/metadata/identity/oauth2/token", IDToken, s.serveAzureIdentity)
	handle("/issuers/{name}/token", IDToken, s.serveToken)
	handle("/issuers/{name}/device", IDToken, s.serveDevice)
	handle("/issuers/{name}/auth", IDToken, s.serveLogin)
	handle("/entra/{tenant}/v2.0/.well-known/openid-configuration", Discovery, s.serveEntraDiscovery)
	handle("/entra/{tenant}/.well-known/openid-configuration", Discovery, s.serveEntraDiscovery)
	handle("/entra/{tenant}/oauth2/v2.0/token", IDToken, s.serveEntra)
	handle("/entra/{tenant}/keys/{name}", JWKS, func(w http.ResponseWriter, r *http.Request) {
		s.keySet(r.PathValue("name"), false).write(w)
	})
}

// PlatformEnv is the environment of the default job on azure-pipelines, buildkite
// or circleci, of a machine on google or azure-identity, or of an application for
// entra.
func (s *Sandbox) PlatformEnv(platform string) (map[string]string, error) {
	switch platform {
	case "azure-pipelines":
		return map[string]string{"TF_BUILD": "True", "SYSTEM_OIDCREQUESTURI": s.URL + "/azure/oidctoken", "SYSTEM_ACCESSTOKEN": s.jobs.add(Job{})}, nil
	case "buildkite":
		return map[string]string{
			"BUILDKITE": "true", "BUILDKITE_JOB_ID": buildkiteJob,
			"BUILDKITE_AGENT_ENDPOINT": s.URL + "/buildkite/v3", "BUILDKITE_AGENT_ACCESS_TOKEN": s.jobs.add(Job{}),
		}, nil
	case "circleci":
		first, err := s.Mint(Token{Issuer: "circleci", Audience: []string{circleOrganization}})
		if err != nil {
			return nil, err
		}
		second, err := s.Mint(Token{Issuer: "circleci", Audience: []string{circleOrganization}, Subject: defaultSubject("circleci") + "/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main"})
		return map[string]string{"CIRCLECI": "true", "CIRCLE_OIDC_TOKEN": first, "CIRCLE_OIDC_TOKEN_V2": second}, err
	case "google":
		return map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(s.PlainURL, "http://")}, nil
	case "azure-identity":
		return map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": s.PlainURL}, nil
	case "entra":
		return map[string]string{
			"AZURE_AUTHORITY_HOST": s.URL + "/entra", "AZURE_TENANT_ID": entraTenant,
			"AZURE_CLIENT_ID": ConfidentialClient, "AZURE_CLIENT_SECRET": ClientSecret,
		}, nil
	}
	return nil, fmt.Errorf("sandbox: no platform %q", platform)
}

// bearer reports whether the request has a job's token under that scheme.
func (s *Sandbox) bearer(r *http.Request, scheme string) bool {
	words := strings.Fields(r.Header.Get("Authorization"))
	if len(words) != 2 || words[0] != scheme {
		return false
	}
	_, ok := s.jobs.find(words[1])
	return ok
}

// serveAzurePipelines answers as System.OidcRequestUri does. Without the header
// that suppresses it, Azure DevOps sends whom it does not know to a sign-in page.
func (s *Sandbox) serveAzurePipelines(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		jsonAnswer(http.StatusMethodNotAllowed, map[string]string{"message": "The requested resource does not support http method '" + r.Method + "'."}).write(w)
	case !s.bearer(r, "Bearer") && r.Header.Get("X-TFS-FedAuthRedirect") != "Suppress":
		page(http.StatusFound, typeHTMLUTF8, "Object moved", "").with("Location", "https://spsprodeus.example/_signin").write(w)
	case !s.bearer(r, "Bearer"):
		jsonAnswer(http.StatusUnauthorized, map[string]string{"message": "TF400813: The user '' is not authorized to access this resource."}).write(w)
	case r.URL.Query().Get("api-version") == "":
		jsonAnswer(http.StatusBadRequest, map[string]string{"message": "No api-version was supplied for the request."}).write(w)
	default:
		s.serveMinted(w, "oidcToken", Token{Issuer: "azure-pipelines", Audience: []string{"api://AzureADTokenExchange"}})
	}
}

// serveBuildkite answers as the agent API does.
func (s *Sandbox) serveBuildkite(w http.ResponseWriter, r *http.Request) {
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
	refuse := func(status int, message string) { jsonAnswer(status, map[string]string{"message": message}).write(w) }
	switch {
	case r.Method != http.MethodPost:
		refuse(http.StatusNotFound, "Not Found")
	case !s.bearer(r, "Token"):
		refuse(http.StatusUnauthorized, "Invalid access token")
	case r.PathValue("job") != buildkiteJob:
		refuse(http.StatusForbidden, "Must be called from a running job")
	case r.Header.Get("Content-Type") != typeJSON || !known:
		refuse(http.StatusUnprocessableEntity, "subject_claim is not one of the immutable claims")
	default:
		s.serveMinted(w, "token", Token{Issuer: "buildkite", Subject: subject, Audience: []string{body.Audience}})
	}
}

// serveGoogle answers as the metadata server does: in plain text, with its header.
func (s *Sandbox) serveGoogle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Metadata-Flavor", "Google")
	query := r.URL.Query()
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "":
		page(http.StatusForbidden, typeHTMLUTF8, "Error 403 (Forbidden)", "Missing Metadata-Flavor:Google header").write(w)
	case r.Method != http.MethodGet || query.Get("audience") == "":
		page(http.StatusBadRequest, typeHTMLUTF8, "Error 400", "non-empty audience parameter required").write(w)
	default:
		s.serveRaw(w, Token{Issuer: "google", Audience: query["audience"]})
	}
}

// serveAzureIdentity answers as Azure's metadata server does. Its access tokens
// are of the v1 issuer, as those of most applications.
func (s *Sandbox) serveAzureIdentity(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	refuse := func(status int, code, words string) {
		jsonAnswer(status, map[string]string{"error": code, "error_description": words}).write(w)
	}
	switch resource := query.Get("resource"); {
	case r.Header.Get("Metadata") != "true":
		refuse(http.StatusBadRequest, "bad_request_102", "Required metadata header not specified")
	case query.Get("api-version") == "" || resource == "":
		refuse(http.StatusBadRequest, "invalid_request", "Required query variable 'resource' is missing")
	case query.Get("client_id") == "unknown":
		refuse(http.StatusBadRequest, "invalid_request", "Identity not found")
	default:
		s.serveAccessToken(w, Token{Issuer: s.URL + "/entra/" + entraTenant + "/", Subject: entraObject, Audience: []string{resource}})
	}
}

// serveMinted gives a token as the one field of a JSON object.
func (s *Sandbox) serveMinted(w http.ResponseWriter, field string, t Token) {
	value, err := s.Mint(t)
	if err != nil {
		s.refuse(w, internalError)
		return
	}
	jsonAnswer(http.StatusOK, map[string]string{field: value}).write(w)
}

// serveAccessToken gives a token as Entra does.
func (s *Sandbox) serveAccessToken(w http.ResponseWriter, t Token) {
	value, err := s.Mint(t)
	if err != nil {
		s.refuse(w, internalError)
		return
	}
	jsonAnswer(http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": "3599", "access_token": value}).write(w)
}

// serveEntraDiscovery is the tenant's document: of the v2 endpoint, or of the v1
// issuer, whose name ends with a slash.
func (s *Sandbox) serveEntraDiscovery(w http.ResponseWriter, r *http.Request) {
	base := s.URL + "/entra/" + r.PathValue("tenant")
	issuer, keys := base+"/", r.PathValue("tenant")
	if strings.Contains(r.URL.Path, "/v2.0/") {
		issuer, keys = base+"/v2.0", "v2.0"
	}
	jsonAnswer(http.StatusOK, map[string]any{
		"issuer": issuer, "jwks_uri": base + "/keys/" + keys, "token_endpoint": base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
	}).write(w)
}

// serveEntra is Entra's token endpoint for client credentials. The application
// api://v2 wants v2 tokens, Microsoft Graph its own, the others have the default.
func (s *Sandbox) serveEntra(w http.ResponseWriter, r *http.Request) {
	base := s.URL + "/entra/" + r.PathValue("tenant")
	id, proven := s.clientOf(r)
	resource, ok := strings.CutSuffix(r.PostFormValue("scope"), "/.default")
	t := Token{Issuer: base + "/", Subject: entraObject, Audience: []string{resource}}
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
