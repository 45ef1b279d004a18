// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/endpoint"
)

// question is one request to a platform's own token endpoint: a POST if it has a body.
type question struct {
	client *endpoint.Client
	name   string // of the endpoint, in words
	url    *url.URL
	header http.Header
	body   []byte // nil for a GET
}

// do sends the request, and again as [endpoint.Client.Do] does.
func (q question) do(ctx context.Context) (*endpoint.Answer, error) {
	return q.client.Do(ctx, q.name+" at "+q.url.Host, func(context.Context) (*http.Request, error) {
		request := &http.Request{Method: http.MethodGet, URL: q.url, Header: q.header.Clone()}
		if q.body != nil {
			request.Method = http.MethodPost
			endpoint.SetBody(request, q.body)
		}
		return request, nil
	})
}

// ask is do, with a status other than 200 as [Denied] with the endpoint's words.
func (q question) ask(ctx context.Context) (*endpoint.Answer, error) {
	answer, err := q.do(ctx)
	if err == nil && answer.Status != http.StatusOK {
		err = &Error{Problem: Denied, Detail: denial(answer)}
	}
	return answer, err
}

// token reads the token from a field of a JSON answer.
func (q question) token(ctx context.Context, field string) (Token, error) {
	answer, err := q.ask(ctx)
	if err != nil {
		return Token{}, err
	}
	var body map[string]json.RawMessage
	if json.Unmarshal(answer.Body, &body) != nil || text(body[field]) == "" {
		return Token{}, q.odd("answered without a token")
	}
	return Usable(text(body[field]))
}

// odd is the error of an answer that cannot be right.
func (q question) odd(why string) error {
	return &endpoint.Unbelievable{Name: q.name + " at " + q.url.Host, Why: why}
}

// denial is a refusal in words: the status, a redirect, the endpoint's own text.
func denial(answer *endpoint.Answer) string {
	detail := fmt.Sprintf("was denied with HTTP %d", answer.Status) + redirect(answer)
	var body map[string]json.RawMessage
	if json.Unmarshal(answer.Body, &body) != nil {
		return detail
	}
	for _, field := range []string{"error_description", "message", "error"} {
		if words := firstLine(text(body[field])); words != "" {
			return detail + fmt.Sprintf(": %q", words)
		}
	}
	return detail
}

// redirect quotes where an answer points, if it does.
func redirect(answer *endpoint.Answer) string {
	if location := answer.Location(); location != "" {
		return fmt.Sprintf(" and a redirect to %q, which is not followed", location)
	}
	return ""
}

// firstLine leaves out Entra's lines with trace ids. It does not shorten the rest, because
// secrets in it must first be removed.
func firstLine(words string) string {
	words, _, _ = strings.Cut(strings.TrimSpace(words), "\n")
	return strings.TrimSpace(words)
}

// address reads a token endpoint's URL from a variable, and adds to its query. It must be
// https, because a request token goes there, or on this machine.
func address(variable, value string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "":
		return nil, missing(Unreadable, "%s is not a URL", variable)
	case ascii.Host(u.Host) != nil:
		return nil, missing(Unreadable, "in %s, %v", variable, ascii.Host(u.Host))
	case u.Scheme != "https" && !loopback(u.Hostname()):
		return nil, missing(Insecure, "%s is not https", variable)
	}
	u.Path = cmp.Or(u.Path, "/") // without one JoinPath makes a relative URL
	merged := u.Query()
	maps.Copy(merged, query)
	u.RawQuery = merged.Encode()
	return u, nil
}

// loopback hosts need no TLS, for tests.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
