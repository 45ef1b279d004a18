// SPDX-License-Identifier: Apache-2.0

// Package quay is the part of a Quay that a job meets: the exchange of ID
// tokens, the registry's token endpoint and the registry.
package quay

import (
	"context"
	"net/http"
	"time"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

// Settings are what an administrator of Quay decides.
type Settings struct {
	Release Release
	// DisabledOrganizations are the owners whose robots the registry refuses.
	DisabledOrganizations []string
	// RobotsDisallow is Quay's ROBOTS_DISALLOW, RobotsWhitelist its exceptions.
	RobotsDisallow  bool
	RobotsWhitelist []string
	// ReadOnly is Quay's REGISTRY_STATE readonly.
	ReadOnly bool
	// SuperusersFullAccess is Quay's FEATURE_SUPERUSERS_FULL_ACCESS.
	SuperusersFullAccess bool
	// AppServer answers as Quay's app servers do without the nginx in front of
	// them: 431 for a long header, a closed connection for an unreachable issuer.
	AppServer bool
	// DiscoveryTimeout is Quay's limit for an issuer's discovery, FrontTimeout that
	// of nginx for the whole exchange.
	DiscoveryTimeout, FrontTimeout time.Duration
}

// Quay answers for one Quay.
type Quay struct {
	*Settings
	site    *web.Site
	db      *database.Database
	keys    *jwt.Keys
	issuers *http.Client // fetches discovery and keys
}

// New returns a Quay that fetches the keys of issuers with that client.
func New(site *web.Site, db *database.Database, keys *jwt.Keys, settings *Settings, issuers *http.Client) *Quay {
	return &Quay{Settings: settings, site: site, db: db, keys: keys, issuers: issuers}
}

// Routes are the endpoints for jobs.
func (s *Quay) Routes() []web.Route {
	exchange := movedOn.Serve // before 3.13
	if s.Release.Federation {
		exchange = getOnly(s.serveExchange)
	}
	return []web.Route{
		{Pattern: exchangePath, Target: web.Exchange, Handler: exchange},
		{Pattern: exchangePath + "/{$}", Target: "webui", Handler: webUI.Serve},
		{Pattern: "/config", Target: "config", Handler: s.serveConfig},
		{Pattern: "/health/instance", Target: "health", Handler: s.serveHealth},
		{Pattern: "/v2/auth", Target: web.Auth, Handler: getOnly(s.serveAuth)},
		{Pattern: "/v2/{$}", Target: web.Ping, Handler: getOnly(s.servePing)},
		{Pattern: "/v2/", Target: "registry", Handler: s.registry()},
	}
}

// maxHeaderLine is the longest header line that nginx accepts, with its line end.
const maxHeaderLine = 8192

// Front is what requests pass before Quay's own code: the limit on a header line.
// Over HTTP/2 nginx ends the connection, which a reset comes closest to.
func (s *Quay) Front(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		long := longestHeader(r) > maxHeaderLine
		switch {
		case long && s.AppServer:
			fieldsTooBig.Write(w)
		case long && r.ProtoMajor > 1:
			panic(http.ErrAbortHandler)
		case long:
			headerTooBig.Write(w)
		case s.AppServer:
			next(w, r)
		default:
			ctx, cancel := context.WithTimeout(r.Context(), s.FrontTimeout)
			defer cancel()
			next(w, r.WithContext(ctx))
		}
	}
}

func longestHeader(r *http.Request) int {
	longest := 0
	for name, values := range r.Header {
		for _, value := range values {
			longest = max(longest, len(name)+len(": ")+len(value)+len("\r\n"))
		}
	}
	return longest
}

// getOnly answers the methods that Quay's GET endpoints answer themselves.
func getOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next(w, r)
		case http.MethodOptions:
			options.Write(w)
		default:
			web.NotAllowed.Write(w)
		}
	}
}

// refuse ends a request with an answer. Any other error means that Quay did not
// reach the issuer: its app server then closes the connection unanswered, and
// nginx makes a 502 of it.
func (s *Quay) refuse(w http.ResponseWriter, err error) {
	a, ok := err.(web.Answer) //nolint:errorlint // answers are never wrapped
	switch {
	case ok:
		a.Write(w)
	case s.AppServer:
		panic(http.ErrAbortHandler)
	default:
		loading.Write(w)
	}
}
