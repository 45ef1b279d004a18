// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"quay-keyless/internal/endpoint"
)

// Challenge is how the registry wants clients to authenticate (RFC 9110,
// section 11.6.1; distribution specification, token authentication).
type Challenge struct {
	Scheme  string // in lower case; "" where the registry asks for nothing
	Realm   string // the token endpoint's URL
	Service string
}

// Ping asks /v2/ whether a registry answers and how clients authenticate. It sends no
// credential. The errors are [*endpoint.Unreachable], and [*endpoint.Unbelievable] if
// the answer is not a registry's.
func (c *Client) Ping(ctx context.Context) (Challenge, error) {
	what := "the registry at " + c.Registry.Host
	options := []name.Option{name.StrictValidation}
	if c.Registry.PlainHTTP {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(c.Registry.Host, options...)
	if err != nil {
		return Challenge{}, err
	}
	var challenge *transport.Challenge
	err = c.Endpoint.Retry(ctx, what, func(ctx context.Context) error {
		seen := &pinged{client: c, name: what}
		challenge, err = transport.Ping(ctx, registry, seen)
		return seen.verdict(err)
	})
	if err != nil {
		return Challenge{}, err
	}
	return Challenge{
		Scheme:  strings.ToLower(challenge.Scheme),
		Realm:   challenge.Parameters["realm"],
		Service: challenge.Parameters["service"],
	}, nil
}

// pinged is the transport of one ping. It allows only the scheme that the user chose,
// because go-containerregistry would try http for hosts that look local, and no redirect
// to another host, nor a second one. It keeps each answer, because the ping's own error
// mixes both attempts.
type pinged struct {
	client *Client
	name   string
	status *endpoint.Answer
	err    error
}

var errOtherPlace = errors.New("not asked")

// RoundTrip sends the request, or refuses to.
func (p *pinged) RoundTrip(request *http.Request) (*http.Response, error) {
	registry := p.client.Registry
	elsewhere := request.URL.Scheme != registry.scheme() || request.URL.Host != registry.Host
	if from := request.Response; from != nil && (elsewhere || from.Request.Response != nil) { // the second one
		to := url.URL{Scheme: request.URL.Scheme, Host: request.URL.Host, Path: request.URL.Path}
		if registry.PlainHTTP && to.Scheme == "https" && to.Hostname() == registry.url("").Hostname() {
			p.err = endpoint.Final(&Refusal{Host: registry.Host, Status: from.StatusCode, Reason: WantsHTTPS, Location: to.String()})
			return nil, errOtherPlace
		}
		p.err = endpoint.Final(&endpoint.Unbelievable{Name: p.name, Why: fmt.Sprintf("redirects /v2/ to %q", to.String())})
		return nil, errOtherPlace
	}
	if elsewhere { // another guess
		return nil, errOtherPlace
	}
	request.Header.Set("User-Agent", p.client.Endpoint.UserAgent)
	clock := p.client.Endpoint.Clock
	start := clock.Now()
	response, err := p.client.Endpoint.Transport.RoundTrip(request)
	attempt := endpoint.Attempt{Name: p.name, URL: request.URL.String(), Err: err}
	if err != nil {
		p.err = err
	} else {
		attempt.Status = response.StatusCode
		p.status = &endpoint.Answer{Status: response.StatusCode, Header: response.Header}
		p.client.observe(response.Header.Get("Date"), start)
		response.Body = bounded(response.Body)
	}
	attempt.Elapsed = clock.Now().Sub(start).Round(time.Microsecond)
	if p.client.Endpoint.Asked != nil {
		p.client.Endpoint.Asked(attempt)
	}
	return response, err
}

// verdict tells a retry loop what the ping's outcome means.
func (p *pinged) verdict(err error) error {
	var answered *transport.Error
	switch {
	case err == nil && p.webPage():
		return endpoint.Final(&endpoint.Unbelievable{Name: p.name, Why: "answers /v2/ with a web page, so it is no registry"})
	case err == nil:
		return nil
	case p.err != nil:
		return p.err
	case !errors.As(err, &answered):
		return err
	case endpoint.Transient(answered.StatusCode):
		return &endpoint.StatusError{Answer: p.status}
	}
	return endpoint.Final(&endpoint.Unbelievable{
		Name: p.name,
		Why:  fmt.Sprintf("answers /v2/ with HTTP %d, so it is no registry", answered.StatusCode),
	})
}

// webPage reports a 200 that any web server or sign-in page could have given.
func (p *pinged) webPage() bool {
	return p.status.Status == http.StatusOK && strings.HasPrefix(p.status.Header.Get("Content-Type"), "text/html")
}

// bounded is a body that ends after 64 kB: the ping reads it only to use the
// connection again.
func bounded(body io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, 64<<10), body}
}
