// SPDX-License-Identifier: Apache-2.0

// Package api is the part of a Quay that an administrator meets: its management
// API.
package api

import (
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/quay"
	"quay-keyless/internal/sandbox/web"
)

const (
	path    = "/api/v1/"
	maxBody = 1 << 20
)

// API answers for the management API of one Quay.
type API struct {
	site     *web.Site
	db       *database.Database
	settings *quay.Settings
	tokens   []Token
}

// New returns the API that accepts those tokens.
func New(site *web.Site, db *database.Database, settings *quay.Settings, tokens []Token) *API {
	return &API{site: site, db: db, settings: settings, tokens: tokens}
}

// Routes are the endpoints of the API.
func (s *API) Routes() []web.Route {
	var routes []web.Route
	add := func(pattern string, handler http.HandlerFunc) {
		routes = append(routes, web.Route{Pattern: path + pattern, Target: web.API, Handler: handler})
	}
	for pattern, handle := range map[string]func(call) error{
		"user/{$}":                                        s.serveUser,
		"user/logs":                                       s.serveLogs,
		"organization/{$}":                                s.serveOrganizations,
		"organization/{org}/members":                      s.serveMembers,
		"organization/{org}/logs":                         s.serveLogs,
		"organization/{org}/aggregatelogs":                s.serveAggregate,
		"organization/{org}/prototypes":                   s.servePrototypes,
		"organization/{org}/prototypes/{id}":              s.servePrototype,
		"organization/{org}/team/{team}":                  s.serveTeam,
		"organization/{org}/team/{team}/members":          s.serveTeamMembers,
		"organization/{org}/team/{team}/members/{member}": s.serveTeamMember,
		"organization/{org}/team/{team}/permissions":      s.serveTeamPermissions,
		"repository/":                                     s.serveRepository,
	} {
		add(pattern, s.known(handle))
	}
	add("organization/{org}", s.public(s.serveOrganization))
	add("repository", s.public(s.serveRepositories))
	add("users/{user}", s.public(s.servePerson))
	for _, owner := range []string{"user", "organization/{org}"} {
		add(owner+"/robots", s.known(s.serveRobots))
		add(owner+"/robots/{robot}", s.known(s.serveRobot))
		add(owner+"/robots/{robot}/permissions", s.known(s.serveRobotPermissions))
		add(owner+"/robots/{robot}/regenerate", s.known(s.serveRegenerate))
		federation := s.known(s.serveFederation)
		if !s.settings.Release.Federation || owner == "user" && !s.settings.Release.UserFederation {
			federation = s.noAddress
		}
		add(owner+"/robots/{robot}/federation", federation)
	}
	return routes
}

// call is a request to the API by the user of a token, or without credentials if
// the token is empty.
type call struct {
	*http.Request
	token Token
}

func (c call) reads() bool { return c.Method == http.MethodGet || c.Method == http.MethodHead }

// public makes a handler of a function that answers reads without credentials too.
func (s *API) public(handle func(call) error) http.HandlerFunc {
	known := s.known(handle)
	return func(w http.ResponseWriter, r *http.Request) {
		anonymous := call{Request: r}
		if r.Header.Get("Authorization") != "" || !anonymous.reads() || s.db.Down() {
			known(w, r)
			return
		}
		send(w, handle(anonymous))
	}
}

// known makes a handler of a function that answers calls with a token.
func (s *API) known(handle func(call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, known := s.token(r)
		c := call{r, token}
		switch {
		case !known && c.reads() && r.URL.Path == path+"user/":
			s.unauthenticated(member{"session_required", false}).Write(w)
		case !known && c.reads():
			s.unauthenticated().Write(w)
		case !known: // a browser's session is what such a request should belong to
			csrf.Write(w)
		case s.db.Down():
			web.InternalError.Write(w)
		case !c.reads() && s.settings.ReadOnly:
			suspended.Write(w)
		default:
			send(w, handle(c))
		}
	}
}

// send writes an answer, which is all that handlers return.
func send(w http.ResponseWriter, err error) {
	err.(web.Answer).Write(w) //nolint:errorlint // answers are never wrapped
}

func (s *API) token(r *http.Request) (Token, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return Token{}, false
	}
	i := slices.IndexFunc(s.tokens, func(t Token) bool { return t.Token == token })
	if i < 0 {
		return Token{}, false
	}
	return s.tokens[i], true
}

// json reads the call's body.
func (c call) json() (any, error) {
	if kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); kind != web.TypeJSON {
		return nil, otherType
	}
	body, err := io.ReadAll(io.LimitReader(c.Body, maxBody))
	var value any
	if err != nil || json.Unmarshal(body, &value) != nil {
		return nil, misunderstood
	}
	return value, nil
}

// note logs what a call did, with the details that Quay adds for every OAuth token.
func (s *API) note(c call, kind, namespace, repository string, metadata ...database.Field) {
	ip, _, _ := net.SplitHostPort(c.RemoteAddr)
	s.db.Note(database.Event{
		Kind: kind, Namespace: namespace, Repository: repository, Performer: c.token.User, IP: ip,
		Metadata: append(metadata, database.Field{Name: "oauth_token_id", Value: 1},
			database.Field{Name: "oauth_token_application_id", Value: "QUAYSANDBOXAPPLICATION"},
			database.Field{Name: "oauth_token_application", Value: "ci-setup"}),
	})
}

// noAddress is how Quay answers addresses that it does not have.
func (s *API) noAddress(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		web.NotAllowed.Write(w)
		return
	}
	web.Page(http.StatusPermanentRedirect, web.TypeHTMLUTF8, "Redirecting...", "").With("Location", s.site.URL+r.URL.Path+"/").Write(w)
}
