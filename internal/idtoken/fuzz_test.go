// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// texts is an OIDC provider that says what it was told to, by the path's end.
type texts struct {
	discovery, device, token string
	status                   int
	seen                     []*http.Request
}

func (p *texts) RoundTrip(request *http.Request) (*http.Response, error) {
	p.seen = append(p.seen, request)
	answer := func(status int, body string) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	switch {
	case strings.HasSuffix(request.URL.Path, "/.well-known/openid-configuration"):
		return answer(http.StatusOK, p.discovery)
	case strings.HasSuffix(request.URL.Path, "/device"):
		return answer(http.StatusOK, p.device)
	}
	return answer(p.status, p.token)
}

// tired is a clock of somebody who waits three times.
type tired struct {
	impatient
	waits int
}

var errTired = errors.New("tired")

func (c *tired) Sleep(context.Context, time.Duration) error {
	if c.waits++; c.waits > 3 {
		return errTired
	}
	return nil
}

// FuzzProvider has an OIDC provider say anything at each of its endpoints. What
// comes is a JWT or an error; nothing is asked but by https, and the first question
// goes to the issuer.
func FuzzProvider(f *testing.F) {
	const document = `{"issuer":"` + issuer + `","token_endpoint":"` + issuer + `/token","device_authorization_endpoint":"` + issuer + `/device"}`
	const device = `{"device_code":"D","user_code":"U","verification_uri":"https://keycloak.example/d","expires_in":600,"interval":1}`
	whole := jwt(f, rs256, object{"iss": issuer, "sub": "user", "aud": []string{"cli"}, "nonce": 7})
	for _, token := range []string{
		`{"access_token":"x","id_token":"` + whole + `"}`, `{"id_token":"` + whole + `"}`, `{"access_token":"` + whole + `"}`, `{"access_token":7}`, `{}`, `[]`, ``,
		`{"error":"invalid_grant","error_description":"a\nb"}`, `{"error":"slow_down"}`, `{"error":"authorization_pending"}`, `{"access_token":"x","expires_in":"1e400"}`,
	} {
		f.Add(document, device, token, 200)
		f.Add(document, device, token, 400)
	}
	for _, odd := range []string{
		`{"issuer":"https://elsewhere.example"}`, `{"issuer":"` + issuer + `","token_endpoint":"http://keycloak.example/token"}`,
		`{"issuer":"` + issuer + `","token_endpoint":"//x"}`, `{"issuer":"` + issuer + `","token_endpoint_auth_methods_supported":7}`, `null`, ``,
	} {
		f.Add(odd, odd, odd, 200)
	}
	f.Fuzz(func(t *testing.T, discovery, device, token string, status int) {
		if status < 200 || status > 499 || endpoint.Transient(status) {
			return
		}
		for _, flow := range []idtoken.Flow{idtoken.ClientCredentials, idtoken.Device} {
			p := &texts{discovery: discovery, device: device, token: token, status: status}
			said := ""
			source := idtoken.OIDC{
				Env: idtoken.Env{
					Endpoint: &endpoint.Client{Transport: p, Clock: &tired{}, UserAgent: "test"},
					Say:      func(text string) { said += text },
				},
				Client: idtoken.Client{Issuer: issuer, ID: "cli", Flow: flow, Scope: "openid", Kind: idtoken.Auto, Secret: secret("CLIENT-SECRET")},
			}
			got, err := source.IDToken(t.Context(), "")
			if err == nil {
				_, err = idtoken.ParseClaims(got)
			}
			if err == nil == got.Empty() {
				t.Errorf("%s: a token: %t, error %v", flow, !got.Empty(), err)
			}
			for i, request := range p.seen {
				if request.URL.Scheme != "https" || i == 0 && request.URL.String() != issuer+"/.well-known/openid-configuration" {
					t.Errorf("%s: asked %s", flow, request.URL)
				}
			}
			if strings.Contains(said, "CLIENT-SECRET") || err != nil && strings.Contains(err.Error(), "CLIENT-SECRET") && !strings.Contains(token+discovery+device, "CLIENT-SECRET") {
				t.Errorf("%s: said %q, %v", flow, said, err)
			}
		}
	})
}

// FuzzGitHubJob has the runner's variables and its event hold anything. The request
// token goes nowhere but by https or to this machine.
func FuzzGitHubJob(f *testing.F) {
	for _, address := range []string{
		"https://pipelines.example/token?api-version=2.0", "http://pipelines.example/token", "http://127.0.0.1:1/t", "http://localhost.elsewhere.example/", "http://[::1]/",
		"//x", "https://", "https://user:password@x/", "ftp://x", "https://x/%zz", "https://x/\n", "http://127.0.0.1@elsewhere.example/", "HTTPS://X",
	} {
		f.Add(address, "pull_request", `{"pull_request":{"head":{"repo":{"full_name":"a/b"}},"base":{"repo":{"full_name":"c/b"}}}}`, `{"value":"a.b.c"}`)
		f.Add(address, "push", `{"pull_request":{"head":{"repo":null},"base":{}}}`, `{"value":7}`)
	}
	f.Fuzz(func(t *testing.T, address, event, payload, body string) {
		s := &server{status: http.StatusOK, body: body}
		for _, token := range []string{"REQUEST-TOKEN", ""} {
			env := job{transport: s, files: map[string]string{"event.json": payload}, variables: map[string]string{
				"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token,
				"GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": "event.json",
			}}.env()
			got, err := idtoken.GitHub{Env: env}.IDToken(t.Context(), "quay")
			if err == nil == got.Empty() {
				t.Errorf("%q: a token: %t, error %v", address, !got.Empty(), err)
			}
			if err != nil && strings.Contains(err.Error(), "REQUEST-TOKEN") && !strings.Contains(address+body, "REQUEST-TOKEN") {
				t.Errorf("%q: %v", address, err)
			}
		}
		for _, request := range s.seen {
			host := request.URL.Hostname()
			if request.URL.Scheme != "https" && host != "localhost" && host != "::1" && !strings.HasPrefix(host, "127.") && !strings.Contains(host, ":") {
				t.Errorf("%q: asked %s", address, request.URL)
			}
		}
	})
}
