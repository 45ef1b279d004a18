// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var quiet = log.New(io.Discard, "", 0)

// between is a proxy on the way to Quay. The zero value changes nothing, and
// speaks HTTP/1.1 with Quay.
type between struct {
	request func(*http.Request) // changes the requests to path
	path    string              // [exchangePath] if empty
	undated bool                // the answers lose their date
	wrong   time.Duration       // how far the clock here is ahead of the right time
	http2   bool
	slow    string // requests to this path are given up at once
}

// transport makes the way to Quay.
func (b between) transport(config *tls.Config) *changing {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(b.http2)
	return &changing{b, &http.Transport{TLSClientConfig: config, Protocols: protocols, DisableKeepAlives: !b.http2}}
}

// transport is the way to this Quay. A sandbox's issuers have no names that the
// system could look up.
func (q *contractQuay) transport(b between, config *tls.Config) http.RoundTripper {
	way := b.transport(config)
	if q.modes == nil {
		way.next.DialContext = loopback
	}
	return way
}

type changing struct {
	between between
	next    *http.Transport
}

// RoundTrip changes the request, and the answer.
func (c *changing) RoundTrip(request *http.Request) (*http.Response, error) {
	path := exchangePath
	if c.between.path != "" {
		path = c.between.path
	}
	if c.between.request != nil && request.URL.Path == path {
		request = request.Clone(request.Context())
		c.between.request(request)
	}
	if c.between.slow != "" && request.URL.Path == c.between.slow {
		return nil, context.DeadlineExceeded
	}
	response, err := c.next.RoundTrip(request)
	if err == nil && c.between.undated {
		response.Header.Del("Date")
	}
	return response, err
}

// ask sends one request with a credential and follows no redirect.
func (q *contractQuay) ask(t *testing.T, way between, path, user, password string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+q.host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	response, err := q.transport(way, q.trust()).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body)}
}

// trust is the TLS settings for this Quay.
func (q *contractQuay) trust() *tls.Config {
	if q.ca == "" {
		return &tls.Config{}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(q.ca))
	return &tls.Config{RootCAs: roots}
}

var pageTitle = regexp.MustCompile(`(?is)<title>(.*?)</title>`)

// compare holds an answer to the table's.
func compare(t *testing.T, q *contractQuay, name string, got, want answer) {
	t.Helper()
	body := strings.TrimSuffix(q.names.hide(jwt.ReplaceAllString(got.body, "<JWT>")), "\n")
	if title := pageTitle.FindStringSubmatch(body); title != nil {
		body = "page: " + strings.TrimSpace(title[1])
	}
	if got.status != want.status || body != want.body {
		t.Errorf("%s answers %d %s, want %d %s", name, got.status, body, want.status, want.body)
	}
}
