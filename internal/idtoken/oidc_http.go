// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"quay-keyless/internal/endpoint"
)

// through makes oauth2 send its requests with package endpoint, which has limits and retries.
// It follows no redirect, because the body holds secrets. name is the endpoint's, in words;
// once is for a code, which works one time.
func (s *session) through(ctx context.Context, name string, once bool) context.Context {
	client := *s.Env.Endpoint
	client.Once, client.Definite = once, tooFast
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport: transport(func(request *http.Request) (*http.Response, error) {
			if s.style == oauth2.AuthStyleInHeader { // which oauth2 does not do for a device code
				request.SetBasicAuth(url.QueryEscape(s.Client.ID), url.QueryEscape(s.secret.Reveal()))
			}
			body, err := io.ReadAll(request.Body)
			if err != nil {
				return nil, err
			}
			// oauth2 requests a device code without the context.
			answer, err := question{&client, name, request.URL, request.Header, body}.do(ctx)
			switch {
			case err != nil:
				return nil, err
			case answer.Status/100 == 3:
				return nil, &Error{Problem: Denied, Detail: denial(answer)}
			}
			return &http.Response{
				StatusCode: answer.Status, Header: answer.Header, Body: io.NopCloser(bytes.NewReader(answer.Body)), Request: request,
			}, nil
		}),
	})
}

type transport func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) { return t(request) }

// tooFast recognizes slow_down in a 429: poll handles it, while another 429 means a busy
// server.
func tooFast(answer *endpoint.Answer) bool {
	var refusal struct{ Error string }
	return json.Unmarshal(answer.Body, &refusal) == nil && refusal.Error == "slow_down"
}

// said turns oauth2's errors into this package's. It quotes the provider's own words,
// not the body, which may hold anything.
func (s *session) said(err error) error {
	refusal, refused := errors.AsType[*oauth2.RetrieveError](err)
	wrapped, ours := errors.AsType[*url.Error](err)
	switch {
	case refused:
		return s.refusal(refusal)
	case ours:
		return wrapped.Err
	case strings.HasPrefix(err.Error(), "oauth2: "):
		return &endpoint.Unbelievable{Name: "the OIDC provider at " + host(s.Client.Issuer), Why: "answered without a token"}
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

// problems are the error codes of providers (RFC 6749, section 5.2; RFC 8628, section 3.5; RFC
// 8707). authorization_declined is Entra's, of a device.
var problems = map[string]Problem{
	"invalid_client": WrongClient, "unauthorized_client": FlowForbidden, "unsupported_grant_type": FlowForbidden,
	"invalid_request": FlowForbidden, "invalid_grant": WrongLogin, "invalid_scope": WrongScope,
	"invalid_target": WrongTarget, "invalid_resource": WrongTarget,
	"access_denied": Cancelled, "authorization_declined": Cancelled, "expired_token": NoLogin,
}

// sort finds the problem of a refusal. Keycloak answers unauthorized_client with 401 for a wrong
// secret, and with 400 for a flow that is switched off. Providers also speak of what the token
// is for with other codes: Auth0 answers access_denied and "No audience parameter was provided".
func (s *session) sort(r *oauth2.RetrieveError) Problem {
	problem, known := problems[r.ErrorCode]
	words, person := strings.ToLower(r.ErrorDescription), s.Client.Flow.Interactive()
	switch {
	case r.ErrorCode == "unauthorized_client" && r.Response.StatusCode == http.StatusUnauthorized,
		r.ErrorCode == "invalid_grant" && s.Client.Flow == ClientCredentials:
		return WrongClient
	case problem == WrongClient || problem == WrongLogin:
		return problem
	case s.entra && problem == WrongTarget: // its target is its scope
		return WrongScope
	case !s.entra && (strings.Contains(words, "audience") || strings.Contains(words, "resource parameter") || strings.Contains(words, "resource indicator")),
		!s.entra && problem == Cancelled && !person && s.Client.Audience != "":
		return WrongTarget
	case !known, problem == Cancelled && !person: // nobody was asked
		return Denied
	}
	return problem
}

func (s *session) refusal(r *oauth2.RetrieveError) error {
	switch problem := s.sort(r); {
	case problem == Cancelled:
		return missing(problem, "the login was cancelled")
	case problem == NoLogin:
		return missing(problem, "nobody logged in in time")
	case r.ErrorCode == "":
		return fail(problem, "was denied with HTTP %d", r.Response.StatusCode)
	default:
		return fail(problem, "was denied: %s %q (HTTP %d)", r.ErrorCode, firstLine(r.ErrorDescription), r.Response.StatusCode)
	}
}
