// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Site is where clients reach a sandbox, and its clock. The addresses are set
// when it listens.
type Site struct {
	URL      string // https://127.0.0.1:PORT
	Host     string // 127.0.0.1:PORT, which is also Quay's SERVER_HOSTNAME
	PlainURL string // the same handler without TLS, http://127.0.0.1:PORT2

	Now func() time.Time
	Log io.Writer // receives a line for each request that is not implemented
}

// Issuer returns the URL of a configured issuer: the name itself if it is a
// URL, otherwise the sandbox's own issuer of that short name.
func (s *Site) Issuer(name string) string {
	if name != "" && !strings.Contains(name, "://") && !strings.Contains(name, "${SELF}") {
		return s.URL + "/issuers/" + name
	}
	return strings.ReplaceAll(name, "${SELF}", s.URL)
}

// Unimplemented answers 501 and logs it, so that a missing route is noticed.
func (s *Site) Unimplemented(r *http.Request) Answer {
	text := fmt.Sprintf("quay-sandbox does not implement %s %s", r.Method, r.URL.Path)
	_, _ = fmt.Fprintln(s.Log, text)
	return Text(http.StatusNotImplemented, text)
}

// ServeUnknown answers a request that no route matches.
func (s *Site) ServeUnknown(w http.ResponseWriter, r *http.Request) { s.Unimplemented(r).Write(w) }

// Route is one endpoint. A fault hits the routes of its target.
type Route struct {
	Pattern, Target string
	Handler         http.HandlerFunc
}

// The targets of routes.
const (
	Exchange  = "exchange"   // Quay's federation endpoint
	Ping      = "ping"       // GET /v2/
	Auth      = "auth"       // GET /v2/auth
	IDToken   = "idtoken"    // the token endpoints of the CI platforms
	Discovery = "discovery"  // an issuer's discovery document
	JWKS      = "jwks"       // an issuer's keys
	API       = "api"        // Quay's API
	GitHubAPI = "github-api" // GitHub's REST API
)

// Wait returns when release is closed, which a nil channel never is. It ends the
// request when the client goes away: returning would answer 200, which could still
// reach a client between the end of its patience and that of its connection.
func Wait(gone context.Context, release <-chan struct{}) {
	select {
	case <-gone.Done():
		panic(http.ErrAbortHandler)
	case <-release:
	}
}
