// SPDX-License-Identifier: Apache-2.0

// Package quay speaks with a Quay: the exchange of an ID token for a robot token,
// the proof that the registry accepts that token, and the management API for robots, their
// federation entries and their permissions. A [*Refusal] has Quay's own words; callers say
// what to do about it.
package quay

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// Client speaks with one registry. It is safe for concurrent use.
type Client struct {
	Registry Registry
	Endpoint *endpoint.Client

	apiToken idtoken.Secret // for what get asks
	skew     atomic.Pointer[time.Duration]
}

// Now is the registry's time by the Date of its last answer, or the local time before
// the first one.
func (c *Client) Now() time.Time {
	skew, _ := c.Skew()
	return c.Endpoint.Clock.Now().Add(skew)
}

// Skew is how far the registry's clock is ahead of the local one, at least; 0 if the two
// may agree. It is false if the registry does not tell its time.
func (c *Client) Skew() (time.Duration, bool) {
	skew := c.skew.Load()
	if skew == nil {
		return 0, false
	}
	return *skew, true
}

// observe stores the registry's time. A Date drops fractions, and the answer may be
// older than its arrival. So observe stores the smallest skew that fits.
func (c *Client) observe(answer *endpoint.Answer) {
	at, ok := answer.Date()
	if !ok {
		return
	}
	least, most := at.Sub(c.Endpoint.Clock.Now()), at.Add(time.Second).Sub(answer.Asked)
	skew := max(least, min(most, 0))
	c.skew.Store(&skew)
}

// ask sends a request and notes the time that the answer tells. After a 5xx it also asks
// Quay about itself.
func (c *Client) ask(ctx context.Context, name string, make func(context.Context) (*http.Request, error)) (*endpoint.Answer, error) {
	answer, err := c.Endpoint.Do(ctx, name, make)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	c.observe(answer)
	return answer, nil
}

// get is a request for JSON at the registry, with the API token if there is one.
func (c *Client) get(path string) *http.Request {
	if c.apiToken.Reveal() == "" {
		return get(c.Registry.url(path), "")
	}
	return get(c.Registry.url(path), "Bearer "+c.apiToken.Reveal())
}

// get is a request for JSON, with a credential unless that is "".
func get(address *url.URL, credential string) *http.Request {
	request := &http.Request{Method: http.MethodGet, URL: address, Header: http.Header{"Accept": {"application/json"}}}
	if credential != "" {
		request.Header.Set("Authorization", credential)
	}
	return request
}
