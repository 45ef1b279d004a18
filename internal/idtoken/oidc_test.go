// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

const issuer = "https://keycloak.example/realms/ci"

// provider is an OIDC provider whose token endpoint gives its answers in turn, the
// last one for ever.
type provider struct {
	discovery object
	device    object // what its device endpoint says otherwise
	answers   []string
	forms     []url.Values
	headers   []http.Header
}

func (p *provider) RoundTrip(request *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
	switch request.URL.Path {
	case "/realms/ci/.well-known/openid-configuration":
		document := object{"issuer": issuer, "token_endpoint": issuer + "/token", "device_authorization_endpoint": issuer + "/device"}
		maps.Copy(document, p.discovery)
		text, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		return answer(http.StatusOK, string(text))
	case "/realms/ci/device":
		p.headers = append(p.headers, request.Header)
		begun := object{"device_code": "DEVICE-CODE", "user_code": "ABCD", "verification_uri": "https://keycloak.example/device", "expires_in": 600}
		maps.Copy(begun, p.device)
		text, err := json.Marshal(begun)
		if err != nil {
			return nil, err
		}
		return answer(http.StatusOK, string(text))
	}
	text, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, err
	}
	p.forms, p.headers = append(p.forms, form), append(p.headers, request.Header)
	next := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	if strings.HasPrefix(next, "{") {
		return answer(http.StatusOK, next)
	}
	if status, err := strconv.Atoi(next); err == nil {
		return answer(status, "{}")
	}
	if words, ok := strings.CutPrefix(next, "refused "); ok {
		return answer(http.StatusForbidden, `{"error": `+words+`}`)
	}
	if next == "slow_down, by a 429" {
		return answer(http.StatusTooManyRequests, `{"error": "slow_down"}`)
	}
	return answer(http.StatusBadRequest, fmt.Sprintf(`{"error": %q, "error_description": "Words"}`, next))
}

// patient is a clock that notes how long it was to wait.
type patient struct{ waited *[]time.Duration }

func (patient) Now() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func (p patient) Sleep(_ context.Context, d time.Duration) error {
	*p.waited = append(*p.waited, d)
	return nil
}

// client asks the provider with a flow.
func (p *provider) client(flow idtoken.Flow, waited *[]time.Duration) idtoken.OIDC {
	return idtoken.OIDC{
		Env: idtoken.Env{
			Endpoint: &endpoint.Client{Transport: p, Clock: patient{waited}, UserAgent: "test"},
			Say:      func(string) {},
			Getenv:   self,
		},
		Client: idtoken.Client{Issuer: issuer, ID: "cli", Flow: flow, Scope: "openid", Kind: idtoken.Auto},
	}
}

// tokens is the answer of a login that succeeded.
func tokens(t *testing.T) string {
	t.Helper()
	token := jwt(t, rs256, object{"iss": issuer, "sub": "user", "aud": []string{"other", "cli"}})
	return fmt.Sprintf(`{"access_token": "opaque", "id_token": %q}`, token)
}

// secret is the place of a secret in these tests, whose variables hold their own names.
func secret(text string) idtoken.Place { return idtoken.Place{Variable: text} }

func self(name string) string { return name }

// The time for a password ends as that for any other login does.
func TestNobodyTypesThePassword(t *testing.T) {
	t.Parallel()
	source := (&provider{}).client(idtoken.Password, nil)
	source.Client.Password.File = "a pipe"
	source.Env.ReadFile = func(string) ([]byte, error) { return nil, context.DeadlineExceeded }
	if _, err := source.IDToken(t.Context(), ""); problem(err) != idtoken.NoLogin {
		t.Errorf("%v", err)
	}
}

// A secret goes out once, in the way that the discovery offers.
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		methods       any
		header, form  bool
		secret, proof idtoken.Place
	}{
		"nothing said":          {header: true, secret: secret("S+ECRET")},
		"basic among others":    {methods: []string{"private_key_jwt", "client_secret_post", "client_secret_basic"}, header: true, secret: secret("S+ECRET")},
		"the form":              {methods: []string{"client_secret_post"}, form: true, secret: secret("S+ECRET")},
		"a public client":       {methods: []string{"client_secret_basic"}},
		"a JWT, nothing else":   {methods: []string{"private_key_jwt"}, proof: secret("ASSERTION")},
		"a JWT before a secret": {proof: secret("ASSERTION"), secret: secret("S+ECRET")},
	} {
		p := &provider{answers: []string{tokens(t)}}
		if c.methods != nil {
			p.discovery = object{"token_endpoint_auth_methods_supported": c.methods}
		}
		source := p.client(idtoken.ClientCredentials, nil)
		source.Client.Secret, source.Client.Assertion = c.secret, c.proof
		if _, err := source.IDToken(t.Context(), ""); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		user, password, basic := (&http.Request{Header: p.headers[0]}).BasicAuth()
		if len(p.forms) != 1 || basic != c.header || basic && (user != "cli" || password != "S%2BECRET") ||
			(p.forms[0].Get("client_secret") == "S+ECRET") != c.form || (p.forms[0].Get("client_assertion") == "ASSERTION") != c.proof.Named() {
			t.Errorf("%s: sent %v and basic %t", name, p.forms, basic)
		}
	}
}

func TestProvidersThatAreNotAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		discovery object
		flow      idtoken.Flow
		want      idtoken.Problem
	}{
		"another issuer":      {object{"issuer": "https://keycloak.example/realms/CI"}, idtoken.Password, idtoken.OtherIssuer},
		"a slash more":        {object{"issuer": issuer + "/"}, idtoken.Password, idtoken.OtherIssuer},
		"no issuer":           {object{"issuer": ""}, idtoken.Password, idtoken.NotOIDC},
		"plain http tokens":   {object{"token_endpoint": "http://keycloak.example/token"}, idtoken.Password, idtoken.BehindProxy},
		"no host for tokens":  {object{"token_endpoint": "https:///token"}, idtoken.Password, idtoken.Insecure},
		"plain http browser":  {object{"authorization_endpoint": "http://keycloak.example/auth"}, idtoken.Code, idtoken.BehindProxy},
		"plain http issuer":   {object{"issuer": "http://keycloak.example/realms/ci"}, idtoken.Device, idtoken.BehindProxy},
		"no token endpoint":   {object{"token_endpoint": ""}, idtoken.Password, idtoken.NoSuchFlow},
		"no device endpoint":  {object{"device_authorization_endpoint": ""}, idtoken.Device, idtoken.NoSuchFlow},
		"no browser endpoint": {nil, idtoken.Code, idtoken.NoSuchFlow},
		"no secrets taken":    {object{"token_endpoint_auth_methods_supported": []string{"tls_client_auth"}}, idtoken.ClientCredentials, idtoken.WrongClient},
	} {
		p := &provider{discovery: c.discovery, answers: []string{tokens(t)}}
		source := p.client(c.flow, nil)
		source.Client.Secret, source.Client.Password = secret("SECRET"), secret("PASSWORD")
		if _, err := source.IDToken(t.Context(), ""); problem(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		if len(p.forms) > 0 {
			t.Errorf("%s: sent %v", name, p.forms)
		}
	}
	source := (&provider{}).client(idtoken.Password, nil)
	source.Client.Issuer = "http://keycloak.example/realms/ci"
	if _, err := source.IDToken(t.Context(), ""); problem(err) != idtoken.Insecure {
		t.Errorf("an http issuer: %v", err)
	}
}

// Whatever endpoints answer, a source gives a JWT or an error.
func FuzzPlatformAnswers(f *testing.F) {
	for _, body := range []string{
		good(f), `{"oidcToken": "x"}`, `{"token": 1}`, `{"access_token": "a.b.c"}`, `{"error": "x", "error_description": "a\nb"}`, `[]`, `null`, `"`,
		jwt(f, object{"alg": "RS256", "nonce": "x"}, object{"iss": "https://sts.windows.net/t/"}), jwt(f, rs256, object{"typ": "Refresh"}),
		jwt(f, object{"alg": "ES256", "kid": "x"}, object{}),
	} {
		f.Add(body, 200)
		f.Add(fmt.Sprintf(`{"oidcToken": %q, "token": %[1]q, "access_token": %[1]q}`, body), 200)
		f.Add(body, 400)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status < 200 || status > 499 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests {
			return
		}
		env := job{transport: &server{status: status, body: body}, variables: map[string]string{
			"SYSTEM_OIDCREQUESTURI": "https://azure.example", "SYSTEM_ACCESSTOKEN": "x", "BUILDKITE_JOB_ID": "a/b.c", "BUILDKITE_AGENT_ACCESS_TOKEN": "x",
		}}.env()
		env.Direct = env.Endpoint
		for _, source := range []idtoken.Source{named(env, "azure-pipelines"), named(env, "buildkite"), named(env, "azure-identity"), named(env, "google")} {
			token, err := source.IDToken(t.Context(), "api://quay")
			if err == nil && token.Empty() {
				t.Errorf("%s: a token: %t, error %v", source.Name, !token.Empty(), err)
			}
		}
	})
}

// Entra names applications by a URI or a GUID; Quay's own default audience is
// neither, and would be told so by an error number.
func TestResourcesOfEntra(t *testing.T) {
	t.Parallel()
	for audience, asked := range map[string]bool{
		"api://quay": true, "https://quay.example.com": true, "72f988bf-86F1-41af-91ab-2d7cd011db47": true,
		"quay": false, "": false, "72f988bf-86f1-41af-91ab-2d7cd011db4": false, "72f988bf-86f1-41af-91ab-2d7cd011dbzz": false, "a-b-c-d-e": false, "72f988bf86f141af91ab2d7cd011db47": false,
	} {
		s := &server{status: http.StatusBadRequest, body: "{}"}
		env := job{transport: s}.env()
		env.Direct = env.Endpoint
		_, err := named(env, "azure-identity").IDToken(t.Context(), audience)
		if got := len(s.seen) == 1; got != asked || (problem(err) == idtoken.NoResource) == asked {
			t.Errorf("%q: asked %t, %v", audience, got, err)
		}
	}
}

// What the token is for reaches the provider on request, in every request that may need it.
func TestOIDCAudience(t *testing.T) {
	t.Parallel()
	const api = "https://api.example.com"
	access := jwt(t, rs256, object{"iss": issuer, "sub": "client", "aud": []string{api}})
	both := fmt.Sprintf(`{"access_token": %q, "id_token": %q}`, access, jwt(t, rs256, object{"iss": issuer, "sub": "user", "aud": "cli"}))
	for name, c := range map[string]struct {
		audience, resource string
		kind               idtoken.Kind
		want               string // the audience of what goes to Quay
	}{
		"none":             {"", "", idtoken.Auto, "cli"},
		"a URI":            {api, api, idtoken.Auto, api},
		"a URI's ID token": {api, api, idtoken.IDTokenKind, "cli"},
		"no URI":           {"my-api", "", idtoken.Auto, "cli"},
		"a fragment":       {api + "#x", "", idtoken.Auto, "cli"},
	} {
		for _, flow := range []idtoken.Flow{idtoken.ClientCredentials, idtoken.Password, idtoken.Device} {
			var waited []time.Duration
			p := &provider{answers: []string{both}}
			source := p.client(flow, &waited)
			source.Client.Password, source.Client.Audience, source.Client.Kind = secret("PASSWORD"), c.audience, c.kind
			token, err := source.IDToken(t.Context(), "")
			if err != nil || len(token.Audience) != 1 || token.Audience[0] != c.want {
				t.Errorf("%s, %s: %v, %v", name, flow, token.Audience, err)
				continue
			}
			for _, form := range p.forms {
				if form.Get("audience") != c.audience || form.Get("resource") != c.resource || form.Has("audience") != (c.audience != "") {
					t.Errorf("%s, %s: sent %v", name, flow, form)
				}
			}
		}
	}
}

// A provider's refusal about the audience is its own problem.
func TestRefusedAudience(t *testing.T) {
	t.Parallel()
	for words, c := range map[string]struct {
		audience string
		want     idtoken.Problem
	}{
		`"access_denied", "error_description": "No audience parameter was provided, and no default audience has been configured"`: {"", idtoken.WrongTarget},
		`"access_denied", "error_description": "Service not found: https://api.example.com"`:                                      {"https://api.example.com", idtoken.WrongTarget},
		`"access_denied", "error_description": "The resource owner or authorization server denied the request"`:                   {"", idtoken.Denied},
		`"invalid_target"`: {"", idtoken.WrongTarget},
		`"invalid_request", "error_description": "The request is missing the resource parameter"`: {"", idtoken.WrongTarget},
		`"invalid_client", "error_description": "audience"`:                                       {"", idtoken.WrongClient},
		`"invalid_scope"`: {"https://api.example.com", idtoken.WrongScope},
	} {
		p := &provider{answers: []string{"refused " + words}}
		source := p.client(idtoken.ClientCredentials, nil)
		source.Client.Secret, source.Client.Audience = secret("SECRET"), c.audience
		if _, err := source.IDToken(t.Context(), ""); problem(err) != c.want {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// Secrets are read before the provider is asked.
func TestMissingSecretAsksNobody(t *testing.T) {
	t.Parallel()
	missing := idtoken.Place{File: "nowhere"}
	for _, set := range []func(*idtoken.Client){
		func(c *idtoken.Client) { c.Secret = missing }, func(c *idtoken.Client) { c.Assertion = missing }, func(c *idtoken.Client) { c.Password = missing },
	} {
		source := (&provider{discovery: object{"issuer": ""}}).client(idtoken.Password, nil)
		set(&source.Client)
		source.Env.ReadFile = job{}.env().ReadFile
		if _, err := source.IDToken(t.Context(), ""); problem(err) != idtoken.NoSecretThere {
			t.Errorf("%v", err)
		}
	}
}
