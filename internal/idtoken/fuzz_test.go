// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
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
					Getenv:   self,
				},
				Client: idtoken.Client{Issuer: issuer, ID: "cli", Flow: flow, Scope: "openid", Kind: idtoken.Auto, Secret: secret("CLIENT-SECRET")},
			}
			got, err := source.IDToken(t.Context(), "")
			if err == nil && got.Empty() {
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
			got, err := named(env, "github").IDToken(t.Context(), "quay")
			if err == nil && got.Empty() {
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

// FuzzBrowser has whoever is on this machine, or a page in the person's browser, say
// anything to the port that the browser comes back to. No code is sent on without this
// login's state, and the page has no markup but its own.
func FuzzBrowser(f *testing.F) {
	const rest = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	for _, request := range []string{
		"GET /callback?code=C&state=STATE&iss=" + issuer + rest, "GET /callback?code=C&state=another" + rest, "GET /callback?state=STATE&error=access_denied" + rest,
		"GET /callback?state=STATE&error=%3Cscript%3E&error_description=a%0Ab%3C" + rest, "GET /callback?state=STATE&iss=%3Cb%3E" + rest, "GET /callback?state=STATE;code=%zz" + rest,
		"POST /callback HTTP/1.1\r\nContent-Length: 24\r\n\r\nstate=STATE&code=C", "GET http://x/callback?state=STATE" + rest, "GET /favicon.ico" + rest, "\x16\x03\x01", "",
	} {
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, request string) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &provider{answers: []string{"{}"}, discovery: object{"authorization_endpoint": issuer + "/auth"}}
		source := p.client(idtoken.Code, nil)
		answered := make(chan string, 1)
		source.Env.Browse = func(_ context.Context, address string) {
			go func() {
				defer cancel() // nobody else comes
				answered <- come(t, address, request)
			}()
		}
		if _, err := source.IDToken(ctx, ""); err == nil {
			t.Errorf("%q: an ID token", request)
		}
		if page, markup := <-answered, 10; page != "" && strings.Count(page, "<") != markup {
			t.Errorf("%q: the page is %q", request, page)
		}
		if len(p.forms) > 0 && !strings.Contains(request, "STATE") {
			t.Errorf("%q: sent %v", request, p.forms)
		}
	})
}

// come says something to the port of an address's login, in which STATE is that
// login's, and gives the page, "" where there is none.
func come(t *testing.T, address, request string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Error(err)
		return ""
	}
	back, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		t.Error(err)
		return ""
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", back.Host)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, strings.ReplaceAll(request, "STATE", u.Query().Get("state")))
	_ = conn.(*net.TCPConn).CloseWrite() // the request has no more
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil { // it was none to answer
		return ""
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil { // a reset, for what of the request was not read
		return ""
	}
	return string(page)
}
