// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
)

// asking counts what a login asks of each endpoint, by its path.
type asking struct {
	mu     sync.Mutex
	counts map[string]int
}

// through gives a transport that counts, and that sends the requests to one
// endpoint to the stand-in if it is diverted.
func (q *asking) through(network *memory, config *tls.Config, endpoint column, diverted bool) http.RoundTripper {
	usual, other := network.transport(config), network.transport(config)
	other.DialContext = func(ctx context.Context, kind, _ string) (net.Conn, error) { return network.dial(ctx, kind, standIn) }
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		q.mu.Lock()
		q.counts[r.URL.Path]++
		q.mu.Unlock()
		if diverted && r.URL.Path == endpoint.path {
			return other.RoundTrip(r)
		}
		return usual.RoundTrip(r)
	})
}

// String lists the endpoints that were asked, in the order of a login.
func (q *asking) String() string {
	var text []string
	for _, c := range columns {
		text = append(text, fmt.Sprintf("%s %d", c.name, q.counts[c.path]))
	}
	return strings.Join(text, ", ")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
