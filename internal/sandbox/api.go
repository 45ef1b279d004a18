// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
)

const apiPath = "/api/v1/"

// APIToken is an OAuth token for Quay's API.
type APIToken struct {
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
func (t APIToken) may(scope string) bool {
	wider := map[string][]string{"user:read": {"user:admin"}, "repo:read": {"repo:admin", "repo:create"}}[scope]
	return slices.ContainsFunc(append(wider, scope), func(s string) bool { return slices.Contains(t.Scopes, s) })
}

// administers reports whether the token may use that scope for a namespace: an
// organization of its user, or the user's own name.
func (t APIToken) administers(namespace, scope string) bool {
	return t.may(scope) && (namespace == t.User || slices.Contains(t.Organizations, namespace))
}

// problem is how the API words an error.
func (s *Sandbox) problem(status int, kind, message string, first ...member) answer {
	body := append(object(first), object{
		{"detail", message}, {"error_message", message}, {"error_type", kind}, {"title", kind},
		{"type", s.URL + apiPath + "error/" + kind}, {"status", status},
	}...)
	return pythonAnswer(status, body)
}

func (s *Sandbox) invalidRequest(message string) answer {
	return s.problem(http.StatusBadRequest, "invalid_request", message)
}

func (s *Sandbox) forbidden() answer {
	return s.problem(http.StatusForbidden, "insufficient_scope", "Unauthorized")
}

func (s *Sandbox) unknown() answer {
	return s.problem(http.StatusNotFound, "not_found", "Not Found")
}

func pythonAnswer(status int, value any) answer {
	return answer{status: status, contentType: typeJSON, body: pythonJSON(value) + "\n"}
}

var (
	noContent = answer{status: http.StatusNoContent, contentType: typeJSON}
	csrf      = answer{status: http.StatusForbidden, contentType: typeHTMLUTF8, body: `{"error": "CSRF token was invalid or missing."}`}
	noJSON    = jsonAnswer(http.StatusBadRequest, map[string]string{"message": "The browser (or proxy) sent a request that this server could not understand."})
	otherType = jsonAnswer(http.StatusUnsupportedMediaType, map[string]string{"message": "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."})
	badMethod = jsonAnswer(http.StatusMethodNotAllowed, map[string]string{"message": "The method is not allowed for the requested URL."})
	suspended = jsonAnswer(http.StatusServiceUnavailable, map[string]any{
		"is_readonly": true,
		"message":     "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
	})
	noRobot = refused("Could not find robot with specified username")
)

// call is a request to the API by somebody whom it knows.
type call struct {
	*http.Request
	token APIToken
}

// api makes a handler of what answers a call: its error is an answer too.
func (s *Sandbox) api(handle func(call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, known := s.apiToken(r)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case !known && reads && r.URL.Path == apiPath+"user/":
			s.problem(http.StatusUnauthorized, "invalid_token", "Requires authentication", member{"session_required", false}).write(w)
		case !known && reads:
			s.problem(http.StatusUnauthorized, "invalid_token", "Requires authentication").write(w)
		case !known: // a browser's session is what such a request should belong to
			csrf.write(w)
		case !reads && s.cfg.ReadOnly:
			suspended.write(w)
		default:
			s.refuse(w, handle(call{r, token}))
		}
	}
}

func (s *Sandbox) apiToken(r *http.Request) (APIToken, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return APIToken{}, false
	}
	i := slices.IndexFunc(s.cfg.APITokens, func(t APIToken) bool { return t.Token == token })
	if i < 0 {
		return APIToken{}, false
	}
	return s.cfg.APITokens[i], true
}

// APIToken is the first configured token for the API.
func (s *Sandbox) APIToken() string { return s.cfg.APITokens[0].Token }

// json reads the call's body.
func (c call) json() (any, error) {
	if kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); kind != typeJSON {
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
func (s *Sandbox) serveUser(c call) error {
	switch {
	case c.Method != http.MethodGet:
		return s.unimplemented(c.Request)
	case !c.token.may("user:read"):
		return s.forbidden()
	}
	return pythonAnswer(http.StatusOK, object{{"anonymous", false}, {"username", c.token.User}})
}

// serveOrganization only knows that there is none.
func (s *Sandbox) serveOrganization(c call) error {
	if c.Method != http.MethodGet || s.store.hasNamespace(c.PathValue("org")) {
		return s.unimplemented(c.Request)
	}
	return s.unknown()
}
