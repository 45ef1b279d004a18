// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
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

// byBrowser logs in with a browser that is sent to an address.
func byBrowser(t *testing.T, browser func(address string), answers ...string) (*provider, error) {
	t.Helper()
	p := &provider{answers: answers, discovery: object{
		"authorization_endpoint": issuer + "/auth", "authorization_response_iss_parameter_supported": true,
	}}
	var waited []time.Duration
	source := p.client(idtoken.Code, &waited)
	closed := make(chan struct{})
	source.Env.Browse = func(_ context.Context, address string) {
		go func() {
			defer close(closed)
			browser(address)
		}()
	}
	_, err := source.IDToken(t.Context(), "")
	<-closed
	return p, err
}

// way is where an address's login comes back to, with what the login's provider
// says there.
func way(t *testing.T, address string, changes url.Values) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Error(err)
		return ""
	}
	back := url.Values{"code": {"CODE"}, "state": {u.Query().Get("state")}, "iss": {issuer}}
	for name, values := range changes {
		back[name] = values
	}
	return u.Query().Get("redirect_uri") + "?" + back.Encode()
}

// visit is one request of a browser. The page is nil where nobody answers.
func visit(t *testing.T, method, address string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return nil, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response, string(text)
}

// A code is for one use; a server that was asked may have used it (RFC 6749,
// section 4.1.2).
func TestACodeIsSentOnce(t *testing.T) {
	t.Parallel()
	p, err := byBrowser(t, func(address string) { visit(t, http.MethodGet, way(t, address, nil)) }, "503")
	var unreachable *endpoint.Unreachable
	if !errors.As(err, &unreachable) || len(p.forms) != 1 {
		t.Errorf("sent %d times, %v", len(p.forms), err)
	}
}

// What a browser brings that the provider of this login did not send. None of it
// gets to the token endpoint.
func TestWhatABrowserBrings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes url.Values
		want    idtoken.Problem
	}{
		"of another provider":         {url.Values{"iss": {"https://elsewhere.example"}}, idtoken.NotThisLogin},
		"of nobody":                   {url.Values{"iss": nil}, idtoken.NotThisLogin},
		"no code":                     {url.Values{"code": nil}, idtoken.Denied},
		"a no":                        {url.Values{"error": {"access_denied"}}, idtoken.Cancelled},
		"a no with markup":            {url.Values{"error": {"invalid_scope"}, "error_description": {"<script>"}}, idtoken.WrongScope},
		"a no that another one sends": {url.Values{"error": {"access_denied"}, "iss": {"https://elsewhere.example"}}, idtoken.NotThisLogin},
	} {
		page := ""
		p, err := byBrowser(t, func(address string) { _, page = visit(t, http.MethodGet, way(t, address, c.changes)) }, "unused")
		if problem(err) != c.want || len(p.forms) > 0 {
			t.Errorf("%s: sent %v, %v", name, p.forms, err)
		}
		if !strings.Contains(page, "<h1>The login failed</h1>") || strings.Contains(page, "script") || strings.Contains(page, "elsewhere") { // whose words are not shown there
			t.Errorf("%s: the page is %s", name, page)
		}
	}
}

// The port is this machine's alone, has one page, and is closed with the login.
func TestTheWayBack(t *testing.T) {
	t.Parallel()
	port := ""
	_, err := byBrowser(t, func(address string) {
		back := way(t, address, nil)
		u, err := url.Parse(back)
		if err != nil || u.Hostname() != "127.0.0.1" {
			t.Errorf("the way back is %s", back)
		}
		port = u.Port()
		if response, _ := visit(t, http.MethodGet, strings.Replace(back, "127.0.0.1", "127.0.0.2", 1)); response != nil {
			t.Error("it answers at another address than 127.0.0.1")
		}
		for _, r := range []struct {
			method, address string
			status          int
		}{
			{http.MethodPost, back, http.StatusNotFound},
			{http.MethodGet, strings.Replace(back, "/callback", "/favicon.ico", 1), http.StatusNotFound},
			{http.MethodGet, way(t, address, url.Values{"state": nil}), http.StatusBadRequest},
			{http.MethodGet, back, http.StatusOK},
		} {
			response, page := visit(t, r.method, r.address)
			if response == nil || response.StatusCode != r.status {
				t.Errorf("%s %s: %v, not %d", r.method, r.address, response, r.status)
				continue
			}
			for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			if strings.Contains(page, "CODE") {
				t.Errorf("the page has the code: %s", page)
			}
		}
	}, `{"access_token": "opaque"}`)
	if problem(err) != idtoken.Opaque {
		t.Errorf("the login: %v", err)
	}
	if connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
		_ = connection.Close()
		t.Error("the port is open after the login")
	}
}
