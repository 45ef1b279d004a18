// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// API is Quay's management API. An API token is an OAuth access token that Quay
// issues. The errors are
//
//   - [*Refusal] with [BadAPIToken], [NotAllowed], [NoSuchRobot], [NoAPI],
//     [ReadOnly], or [Unrecognized] and Quay's words,
//   - [*endpoint.Unreachable] and [*endpoint.Unbelievable],
//   - the cause of a cancelled ctx.
//
// They quote the server, which may repeat the API token.
type API struct {
	client *Client
	token  idtoken.Secret
}

// NewAPI is the API of the registry that the client speaks with.
func NewAPI(client *Client, token idtoken.Secret) *API {
	asked := *client.Endpoint
	asked.Definite = readOnly
	return &API{client: &Client{Registry: client.Registry, Endpoint: &asked}, token: token}
}

// name is how messages call the API.
func (a *API) name() string { return "the API of " + a.client.Registry.Host }

// request is one question to the API. Body is nil, or JSON.
func (a *API) request(method, path string, body []byte) *http.Request {
	request := &http.Request{Method: method, URL: a.client.Registry.url(path), Header: http.Header{
		"Authorization": {"Bearer " + a.token.Reveal()},
		"Accept":        {"application/json"},
	}}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.ContentLength = int64(len(body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request
}

// ask repeats the same request until there is an answer, and returns it if it is a
// success.
func (a *API) ask(ctx context.Context, method, path string, body []byte) (*endpoint.Answer, error) {
	return a.do(ctx, func(context.Context) (*http.Request, error) { return a.request(method, path, body), nil })
}

// do is ask with a new request for each attempt.
func (a *API) do(ctx context.Context, make func(context.Context) (*http.Request, error)) (*endpoint.Answer, error) {
	answer, err := a.client.ask(ctx, a.name(), make)
	if err != nil {
		return nil, err
	}
	if answer.Status >= 200 && answer.Status < 300 {
		return answer, nil
	}
	return nil, a.refused(answer)
}

// problem is how the API words an error: its own form (RFC 7807, with fields of
// Quay's), or that of its exceptions.
type problem struct {
	Message      string `json:"message"`
	ErrorMessage string `json:"error_message"`
	ErrorType    string `json:"error_type"`
	IsReadOnly   bool   `json:"is_readonly"`
}

func problemOf(answer *endpoint.Answer) problem {
	var p problem
	_ = json.Unmarshal(answer.Body, &p) // what is no problem has no fields
	return p
}

// refused reads an answer of the API that is no success.
func (a *API) refused(answer *endpoint.Answer) error {
	p := problemOf(answer)
	words := p.ErrorMessage
	if words == "" {
		words = message(answer.Body)
	}
	words, _, _ = strings.Cut(words, "\n\n") // after which a JSON schema follows
	r := refusal(a.client.Registry.Host, answer)
	r.Message, r.Reason = words, apiReason(answer, p, words)
	return r
}

// apiReason is why the API refused.
func apiReason(answer *endpoint.Answer, p problem, words string) Reason {
	page := !json.Valid(answer.Body)
	switch {
	case answer.Status == http.StatusUnauthorized && p.ErrorType != "",
		answer.Status == http.StatusForbidden && strings.HasPrefix(words, "CSRF token"):
		return BadAPIToken
	case answer.Status == http.StatusForbidden && p.ErrorType == "insufficient_scope":
		return NotAllowed
	case p.IsReadOnly:
		return ReadOnly
	case page && (answer.Status == http.StatusNotFound || answer.Status == http.StatusMethodNotAllowed),
		answer.Status == http.StatusPermanentRedirect && strings.HasSuffix(answer.Header.Get("Location"), "/federation/"):
		return NoAPI
	case answer.Status == http.StatusBadRequest:
		return reason(words)
	}
	return Unrecognized
}

// readOnly is a 503 that does not pass by itself.
func readOnly(answer *endpoint.Answer) bool {
	return answer.Status == http.StatusServiceUnavailable && problemOf(answer).IsReadOnly
}

// unbelievable is an answer that cannot be what was asked for.
func (a *API) unbelievable(format string, args ...any) error {
	return &endpoint.Unbelievable{Name: a.name(), Why: fmt.Sprintf(format, args...)}
}
