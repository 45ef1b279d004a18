// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

// The one user and the clients of the OIDC provider at the issuers oidc, which
// accepts client secrets by HTTP basic only, and oidc-post, which accepts them in the
// form alone. What a client's name says is what its logins meet.
const (
	ConfidentialClient = "ci"
	PublicClient       = "cli"
	ClientSecret       = "CLIENT-SECRET-OF-CI"
	User               = "alice"
	UserPassword       = "PASSWORD-OF-ALICE"
	UserID             = "8d1f3a52-0000-4000-8000-0000000000a1"
	ServiceAccountID   = "8d1f3a52-0000-4000-8000-0000000000c1"
)

// providerEndpoints are what the discovery of an OIDC provider has beyond that of
// a CI platform.
func (s *Platforms) providerEndpoints(name string) map[string]any {
	methods := map[string][]string{"oidc": {"client_secret_basic", "private_key_jwt"}, "oidc-post": {"client_secret_post"}}[name]
	if methods == nil {
		return nil
	}
	base := s.site.Issuer(name)
	return map[string]any{
		"authorization_endpoint": base + "/auth", "token_endpoint": base + "/token", "device_authorization_endpoint": base + "/device",
		"token_endpoint_auth_methods_supported":          methods,
		"authorization_response_iss_parameter_supported": true,
	}
}

// clientOf is the client that sends a form, and whether it proved itself as one
// of its kind must. A secret sent in two ways is none (RFC 6749, section 2.3).
func (s *Platforms) clientOf(r *http.Request) (id string, proven bool) {
	user, secret, basic := r.BasicAuth()
	form := r.PostFormValue("client_secret")
	id = r.PostFormValue("client_id")
	if basic {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(secret)
	}
	way := basic
	switch {
	case strings.Contains(r.URL.Path, "/entra/"):
		way, secret = true, cmp.Or(secret, form)
	case strings.Contains(r.URL.Path, "/oidc-post/"):
		way, secret = !basic, form
	}
	if r.PostFormValue("client_assertion") == "ASSERTION-OF-CI" && r.PostFormValue("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return id, !basic && form == ""
	}
	if id != ConfidentialClient {
		return id, secret == "" && form == ""
	}
	return id, way && secret == ClientSecret && !(basic && form != "")
}

func oauthError(w http.ResponseWriter, status int, code, words string) {
	web.JSON(status, map[string]string{"error": code, "error_description": words}).Write(w)
}

// serveToken is the token endpoint, with Keycloak's words (measured on 26.7).
func (s *Platforms) serveToken(w http.ResponseWriter, r *http.Request) {
	id, proven := s.clientOf(r)
	grant := r.PostFormValue("grant_type")
	switch {
	case r.Method != http.MethodPost:
		oauthError(w, http.StatusMethodNotAllowed, "invalid_request", "HTTP 405 Method Not Allowed")
	case id == "unknown":
		oauthError(w, http.StatusUnauthorized, "invalid_client", "Invalid client or Invalid client credentials")
	case !proven:
		oauthError(w, http.StatusUnauthorized, "unauthorized_client", "Invalid client or Invalid client credentials")
	case grant == "client_credentials" && id == ConfidentialClient:
		s.serveTokens(w, r, begun{client: id, scope: r.PostFormValue("scope")}, ServiceAccountID)
	case grant == "password" && id == "no-direct-access":
		oauthError(w, http.StatusBadRequest, "unauthorized_client", "Client not allowed for direct access grants")
	case grant == "password" && (r.PostFormValue("username") != User || r.PostFormValue("password") != UserPassword):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Invalid user credentials")
	case grant == "password":
		s.serveTokens(w, r, begun{client: id, scope: r.PostFormValue("scope")}, UserID)
	case grant == "urn:ietf:params:oauth:grant-type:device_code":
		s.servePoll(w, r, id)
	case grant == "authorization_code":
		s.serveCode(w, r, id)
	default:
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type")
	}
}

// serveTokens answers with an access token, and an ID token if the scope has openid.
func (s *Platforms) serveTokens(w http.ResponseWriter, r *http.Request, login begun, subject string) {
	issuer := r.PathValue("name")
	t := jwt.Spec{Issuer: issuer, Subject: subject, Audience: []string{login.client}, Claims: map[string]any{"typ": "ID"}}
	if login.nonce != "" {
		t.Claims["nonce"] = login.nonce
	}
	access := jwt.Spec{Issuer: issuer, Subject: subject, Audience: []string{"account"}, Claims: map[string]any{"typ": "Bearer", "azp": login.client}}
	switch login.client {
	case "es256":
		t.Alg = "ES256"
	case "no-kid":
		t.Header = map[string]any{"kid": nil}
	case "other-issuer":
		t.Claims["iss"] = "https://elsewhere.example"
	case "other-client":
		t.Audience = []string{"somebody-else"}
	case "other-nonce":
		t.Claims["nonce"] = "of-another-login"
	case "refresh-only":
		t.Claims["typ"] = "Refresh"
	case "api": // as Auth0
		if access.Audience[0] = r.PostFormValue("audience"); access.Audience[0] == "" {
			oauthError(w, http.StatusForbidden, "access_denied", "No audience parameter was provided, and no default audience has been configured")
			return
		}
	}
	body := map[string]any{"token_type": "Bearer", "expires_in": 300, "scope": login.scope}
	var err error
	if body["access_token"], err = s.Mint(access); err == nil && strings.Contains(login.scope, "openid") {
		body["id_token"], err = s.Mint(t)
	}
	if err != nil {
		web.InternalError.Write(w)
		return
	}
	if login.client == "opaque" {
		body["access_token"] = "opaque-ACCESS-TOKEN"
		delete(body, "id_token")
	}
	web.JSON(http.StatusOK, body).Write(w)
}

// serveDevice begins a login by device (RFC 8628, section 3.2).
func (s *Platforms) serveDevice(w http.ResponseWriter, r *http.Request) {
	id, proven := s.clientOf(r)
	if !proven {
		oauthError(w, http.StatusUnauthorized, "unauthorized_client", "Invalid client or Invalid client credentials")
		return
	}
	challenge := r.PostFormValue("code_challenge")
	if challenge == "" || r.PostFormValue("code_challenge_method") != "S256" { // of a client that wants PKCE
		oauthError(w, http.StatusBadRequest, "invalid_request", "Missing parameter: code_challenge_method")
		return
	}
	if id == "no-device" {
		oauthError(w, http.StatusBadRequest, "unauthorized_client", "Client is not allowed to initiate OAuth 2.0 Device Authorization Grant. The flow is disabled for the client.")
		return
	}
	code := s.logins.add(begun{client: id, scope: r.PostFormValue("scope"), challenge: challenge})
	address := s.site.Issuer(r.PathValue("name")) + "/device-login"
	web.JSON(http.StatusOK, map[string]any{
		"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": address,
		"verification_uri_complete": address + "?user_code=WDJB-MJHT", "expires_in": 600, "interval": 5,
	}).Write(w)
}

// servePoll answers the polls of a login by device: the user needs two polls, and
// the second one comes too soon.
func (s *Platforms) servePoll(w http.ResponseWriter, r *http.Request, id string) {
	login, ok := s.logins.poll(r.PostFormValue("device_code"))
	switch {
	case !ok || login.client != id:
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Device code not valid")
	case !verifies(r, login):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "PKCE verification failed: Code mismatch")
	case login.polls == 1:
		oauthError(w, http.StatusBadRequest, "authorization_pending", "The authorization request is still pending")
	case login.polls == 2:
		oauthError(w, http.StatusBadRequest, "slow_down", "Slow down")
	case id == "cancelled":
		oauthError(w, http.StatusBadRequest, "access_denied", "The end user denied the authorization request")
	case id == "late":
		oauthError(w, http.StatusBadRequest, "expired_token", "Device code is expired")
	default:
		s.serveTokens(w, r, login, UserID)
	}
}

// serveLogin is the authorization endpoint for a browser whose user is logged in
// already and agrees.
func (s *Platforms) serveLogin(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || back.Hostname() != "127.0.0.1" || query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" {
		web.Page(http.StatusBadRequest, web.TypeHTMLUTF8, "We are sorry...", "Invalid parameter").Write(w)
		return
	}
	id := query.Get("client_id")
	came := url.Values{"state": {query.Get("state")}, "iss": {s.site.Issuer(r.PathValue("name"))}}
	switch id {
	case "cancelled":
		came.Set("error", "access_denied")
	case "disabled":
		came.Set("error", "unauthorized_client")
		came.Set("error_description", "Client is not allowed to initiate browser login with given response_type. Standard flow is disabled for the client.")
	case "mixed-up":
		came.Set("iss", "https://elsewhere.example")
		fallthrough
	default:
		came.Set("code", s.logins.add(begun{
			client: id, scope: query.Get("scope"), nonce: query.Get("nonce"), challenge: query.Get("code_challenge"), redirect: query.Get("redirect_uri"),
		}))
	}
	back.RawQuery = came.Encode()
	web.Page(http.StatusFound, web.TypeHTMLUTF8, "Found", "").With("Location", back.String()).Write(w)
}

// serveCode exchanges the code of a login by browser, once (RFC 7636, section 4.6).
func (s *Platforms) serveCode(w http.ResponseWriter, r *http.Request, id string) {
	login, ok := s.logins.take(r.PostFormValue("code"))
	switch {
	case !ok || login.client != id || login.redirect != r.PostFormValue("redirect_uri"):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Code not valid")
	case !verifies(r, login):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "PKCE verification failed: Code mismatch")
	default:
		s.serveTokens(w, r, login, UserID)
	}
}

// verifies reports whether a form has the verifier of the login's challenge.
func verifies(r *http.Request, login begun) bool {
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == login.challenge
}
