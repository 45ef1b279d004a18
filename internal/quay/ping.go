// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"quay-keyless/internal/endpoint"
)

// Challenge is how the registry wants clients to authenticate (RFC 9110,
// section 11.6.1; distribution specification, token authentication).
type Challenge struct {
	Scheme  string // in lower case; "" if the registry asks for nothing
	Realm   string // the token endpoint's URL
	Service string
}

// Ping asks /v2/ whether a registry answers and how clients authenticate. It sends no
// credential, and follows one redirect if that stays at the registry. The errors are
// [*endpoint.Unreachable], a [*Refusal] with WantsHTTPS, and [*endpoint.Unbelievable] if the
// answer is not a registry's.
func (c *Client) Ping(ctx context.Context) (Challenge, error) {
	answer, err := c.ping(ctx, "/v2/")
	if err != nil {
		return Challenge{}, err
	}
	if to := c.redirect(answer); to != nil && to.Scheme == c.Registry.scheme() && to.Host == c.Registry.Host {
		if answer, err = c.ping(ctx, to.Path); err != nil {
			return Challenge{}, err
		}
	}
	to, why := c.redirect(answer), ""
	switch {
	case to != nil && c.Registry.PlainHTTP && to.Scheme == "https" && to.Hostname() == c.Registry.url("").Hostname():
		return Challenge{}, &Refusal{Host: c.Registry.Host, Status: answer.Status, Reason: WantsHTTPS, Location: to.String()}
	case to != nil:
		why = fmt.Sprintf("redirects /v2/ to %q", to.String())
	case answer.Status == http.StatusOK && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html"):
		why = "answers /v2/ with a web page, so it is no registry"
	case answer.Status != http.StatusOK && answer.Status != http.StatusUnauthorized:
		why = fmt.Sprintf("answers /v2/ with HTTP %d, so it is no registry", answer.Status)
	default:
		return challengeIn(answer.Header), nil
	}
	return Challenge{}, &endpoint.Unbelievable{Name: c.name(), Why: why}
}

// name is how messages call the registry.
func (c *Client) name() string { return "the registry at " + c.Registry.Host }

// ping asks once at a path. A 5xx of the registry does not concern Quay's own state.
func (c *Client) ping(ctx context.Context, path string) (*endpoint.Answer, error) {
	answer, err := c.Endpoint.Do(ctx, c.name(), func(context.Context) (*http.Request, error) {
		return c.get(path), nil
	})
	if err == nil {
		c.observe(answer)
	}
	return answer, err
}

// redirect is where an answer to the ping points, without user, query and fragment.
func (c *Client) redirect(answer *endpoint.Answer) *url.URL {
	if answer.Status < 300 || answer.Status > 399 || answer.Location() == "" {
		return nil
	}
	to, err := c.Registry.url("/v2/").Parse(answer.Location())
	if err != nil {
		return nil
	}
	return &url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
}

// parameter is one of a challenge: its name, and its value with or without quotes.
var parameter = regexp.MustCompile(`([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))`)

// challengeIn reads the challenges of an answer and returns the one for Bearer, or the
// first.
func challengeIn(header http.Header) Challenge {
	var first Challenge
	for _, line := range header.Values("Www-Authenticate") {
		scheme, rest, _ := strings.Cut(line, " ")
		challenge := Challenge{Scheme: strings.ToLower(scheme)}
		for _, found := range parameter.FindAllStringSubmatch(rest, -1) {
			switch strings.ToLower(found[1]) {
			case "realm":
				challenge.Realm = found[2] + found[3]
			case "service":
				challenge.Service = found[2] + found[3]
			}
		}
		if challenge.Scheme == "bearer" {
			return challenge
		}
		if first.Scheme == "" {
			first = challenge
		}
	}
	return first
}
