// SPDX-License-Identifier: Apache-2.0

// Package api is the part of a Quay that an administrator meets: its management
// API.
package api

import (
	"encoding/json"
	"io"
	"mime"
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

// Token is an OAuth token for Quay's API.
type Token struct {
	Token string `yaml:"token"`
	// User is in whose name the token speaks, and whose own namespace it may use.
	User string `yaml:"user"`
	// Organizations are those that the user administers.
	Organizations []string `yaml:"organizations"`
	// Scopes are what the token may be used for (default: all of [Scopes]).
	Scopes []string `yaml:"scopes"`
}

// Scopes are those of Quay's that the sandbox's API asks for.
var Scopes = []string{"org:admin", "user:admin", "user:read", "repo:admin", "repo:create", "repo:read"}

// may reports whether the token has a scope, or one that includes it.
func (t Token) may(scope string) bool {
	wider := map[string][]string{"user:read": {"user:admin"}, "repo:read": {"repo:admin", "repo:create"}}[scope]
	return slices.ContainsFunc(append(wider, scope), func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// administers reports whether the token may use that scope for a namespace: an
// organization of its user, or the user's own name.
func (t Token) administers(namespace, scope string) bool {
	return t.may(scope) && (namespace == t.User || slices.Contains(t.Organizations, namespace))
}

// problem is how the API words an error.
func (s *API) problem(status int, kind, message string, first ...member) web.Answer {
	body := append(object(first), object{
		{"detail", message}, {"error_message", message}, {"error_type", kind}, {"title", kind},
		{"type", s.site.URL + path + "error/" + kind}, {"status", status},
	}...)
	return pythonAnswer(status, body)
}

func (s *API) invalidRequest(message string) web.Answer {
	return s.problem(http.StatusBadRequest, "invalid_request", message)
}

func (s *API) forbidden() web.Answer {
	return s.problem(http.StatusForbidden, "insufficient_scope", "Unauthorized")
}

func (s *API) unknown() web.Answer {
	return s.problem(http.StatusNotFound, "not_found", "Not Found")
}

// message is the form of the errors that Quay's web framework words itself.
func message(text string) web.Answer {
	return web.JSON(http.StatusBadRequest, map[string]string{"message": text})
}

func pythonAnswer(status int, value any) web.Answer {
	return web.Answer{Status: status, Type: web.TypeJSON, Body: pythonJSON(value) + "\n"}
}

var (
	noContent = web.Answer{Status: http.StatusNoContent, Type: web.TypeJSON}
	csrf      = web.Answer{Status: http.StatusForbidden, Type: web.TypeHTMLUTF8, Body: `{"error": "CSRF token was invalid or missing."}`}
	noJSON    = web.JSON(http.StatusBadRequest, map[string]string{"message": "The browser (or proxy) sent a request that this server could not understand."})
	otherType = web.JSON(http.StatusUnsupportedMediaType, map[string]string{"message": "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."})
	badMethod = web.JSON(http.StatusMethodNotAllowed, map[string]string{"message": "The method is not allowed for the requested URL."})
	suspended = web.JSON(http.StatusServiceUnavailable, map[string]any{
		"is_readonly": true,
		"message":     "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
	})
	noRobot = message("Could not find robot with specified username")
)

// API answers for the management API of one Quay.
type API struct {
	site     *web.Site
	db       *database.Database
	settings quay.Settings
	tokens   []Token
}

// New returns the API that accepts those tokens.
func New(site *web.Site, db *database.Database, settings quay.Settings, tokens []Token) *API {
	return &API{site: site, db: db, settings: settings, tokens: tokens}
}

// Routes are the endpoints of the API.
func (s *API) Routes() []web.Route {
	federation, personal := s.known(s.serveFederation), s.noAddress
	organization := federation
	if s.settings.Release.UserFederation {
		personal = federation
	}
	if !s.settings.Release.Federation { // before 3.13
		organization = s.noAddress
	}
	var routes []web.Route
	for pattern, handler := range map[string]http.HandlerFunc{
		"user/{$}":                                     s.known(s.serveUser),
		"user/robots":                                  s.known(s.serveRobots),
		"user/robots/{robot}":                          s.known(s.serveRobot),
		"user/robots/{robot}/federation":               personal,
		"organization/{org}":                           s.known(s.serveOrganization),
		"organization/{org}/robots":                    s.known(s.serveRobots),
		"organization/{org}/robots/{robot}":            s.known(s.serveRobot),
		"organization/{org}/robots/{robot}/federation": organization,
		"repository":                                   s.known(s.serveRepositories),
		"repository/":                                  s.known(s.serveRepository),
	} {
		routes = append(routes, web.Route{Pattern: path + pattern, Target: web.API, Handler: handler})
	}
	return routes
}

// call is a request to the API by somebody whom it knows.
type call struct {
	*http.Request
	token Token
}

// known makes a handler of what answers a call: its error is an answer too.
func (s *API) known(handle func(call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, known := s.token(r)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case !known && reads && r.URL.Path == path+"user/":
			s.problem(http.StatusUnauthorized, "invalid_token", "Requires authentication", member{"session_required", false}).Write(w)
		case !known && reads:
			s.problem(http.StatusUnauthorized, "invalid_token", "Requires authentication").Write(w)
		case !known: // a browser's session is what such a request should belong to
			csrf.Write(w)
		case !reads && s.settings.ReadOnly:
			suspended.Write(w)
		default:
			handle(call{r, token}).(web.Answer).Write(w) //nolint:errorlint // nothing else is returned
		}
	}
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
		return nil, noJSON
	}
	return value, nil
}

// serveUser says who the token's user is.
func (s *API) serveUser(c call) error {
	switch {
	case c.Method != http.MethodGet:
		return s.site.Unimplemented(c.Request)
	case !c.token.may("user:read"):
		return s.forbidden()
	}
	return pythonAnswer(http.StatusOK, object{{"anonymous", false}, {"username", c.token.User}})
}

// serveOrganization only knows that there is none.
func (s *API) serveOrganization(c call) error {
	if c.Method != http.MethodGet || s.db.HasNamespace(c.PathValue("org")) {
		return s.site.Unimplemented(c.Request)
	}
	return s.unknown()
}
