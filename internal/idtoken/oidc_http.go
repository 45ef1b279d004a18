// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"quay-keyless/internal/endpoint"
)

// through makes oauth2 send requests with package endpoint, which has limits and
// retries.
func (o OIDC) through(ctx context.Context, a asker) context.Context {
	a.ctx, a.oidc = ctx, o
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: a})
}

// asker is an [http.RoundTripper] over [endpoint.Client.Do]. It keeps the context,
// because oauth2 requests a device code without one.
type asker struct {
	ctx  context.Context
	oidc OIDC
	name string // of the endpoint, in words
	once bool   // what is sent is good for one time
	// basic adds HTTP basic with the secret, where oauth2 does not.
	basic  bool
	secret Secret
}

// RoundTrip sends the request, with its body for each attempt. A redirect is an error,
// because the body holds secrets.
func (a asker) RoundTrip(request *http.Request) (*http.Response, error) {
	defer request.Body.Close() //nolint:errcheck // only read; oauth2 always posts
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if a.basic {
		request.SetBasicAuth(url.QueryEscape(a.oidc.Client.ID), url.QueryEscape(a.secret.Reveal()))
	}
	client := *a.oidc.Env.Endpoint
	client.Once, client.Definite = a.once, tooFast
	answer, err := client.Do(a.ctx, a.name, func(ctx context.Context) (*http.Request, error) {
		again := request.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again, nil
	})
	switch {
	case err != nil:
		return nil, err
	case answer.Status >= 300 && answer.Status < 400:
		return nil, &Error{Problem: Denied, Source: a.oidc.Name(), Detail: denial(answer)}
	}
	return &http.Response{
		StatusCode: answer.Status, Status: fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status)),
		Header: answer.Header, Body: io.NopCloser(bytes.NewReader(answer.Body)), Request: request,
	}, nil
}

// tooFast recognizes slow_down in a 429: poll handles it, while another 429 means a busy
// server.
func tooFast(answer *endpoint.Answer) bool {
	var refusal struct{ Error string }
	return json.Unmarshal(answer.Body, &refusal) == nil && refusal.Error == "slow_down"
}

// said turns oauth2's errors into this package's. It quotes the provider's own words,
// not the body, which may hold anything.
func (o OIDC) said(err error) error {
	var refusal *oauth2.RetrieveError
	var wrapped *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return o.refusal(refusal)
	case errors.As(err, &wrapped):
		return wrapped.Err
	case strings.HasPrefix(err.Error(), "oauth2: "):
		return &endpoint.Unbelievable{Name: "the OIDC provider at " + host(o.Client.Issuer), Why: "answered without a token in it"}
	}
	return err
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

// aboutTarget finds a provider's words about what the token is for, such as Auth0's "No
// audience parameter was provided" with access_denied.
var aboutTarget = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\baudience\b|\bresource (?:parameter|indicator)`)
})

// refusal sorts a provider's refusal by its error code (RFC 6749, section 5.2; RFC 8628,
// section 3.5; RFC 8707). Keycloak answers unauthorized_client with 401 for a wrong
// secret, and with 400 for a flow that is switched off.
func (o OIDC) refusal(r *oauth2.RetrieveError) error {
	problem := Denied
	switch r.ErrorCode {
	case "invalid_client":
		problem = WrongClient
	case "unauthorized_client":
		problem = FlowForbidden
		if r.Response.StatusCode == http.StatusUnauthorized {
			problem = WrongClient
		}
	case "unsupported_grant_type", "invalid_request":
		problem = FlowForbidden
	case "invalid_grant":
		problem = WrongLogin
		if o.Client.Flow == ClientCredentials {
			problem = WrongClient
		}
	case "invalid_scope":
		problem = WrongScope
	case "invalid_target", "invalid_resource":
		problem = WrongTarget
		if o.as != "" { // Entra's target is its scope
			problem = WrongScope
		}
	case "access_denied", "authorization_declined": // the latter is Entra's, of a device
		if o.Client.Flow.Interactive() { // else nobody was asked
			problem = Cancelled
		}
	case "expired_token":
		problem = NoLogin
	}
	refused := r.ErrorCode == "access_denied" && o.Client.Audience != "" && !o.Client.Flow.Interactive() // Auth0's word for an unknown audience
	if o.as == "" && problem != WrongClient && problem != WrongLogin && (refused || aboutTarget().MatchString(r.ErrorDescription)) {
		problem = WrongTarget
	}
	detail := fmt.Sprintf("was denied with HTTP %d", r.Response.StatusCode)
	if r.ErrorCode != "" {
		detail = fmt.Sprintf("was denied: %s %q (HTTP %d)", r.ErrorCode, firstLine(r.ErrorDescription), r.Response.StatusCode)
	}
	if problem == Cancelled || problem == NoLogin {
		detail = "" // the problem's own words
	}
	return &Error{Problem: problem, Source: o.Name(), Detail: detail}
}
