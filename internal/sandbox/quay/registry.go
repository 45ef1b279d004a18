// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

// registryError is the error form of the registry API.
func registryError(status int, code, message string) web.Answer {
	one := map[string]any{"code": code, "detail": map[string]any{}, "message": message}
	return web.JSON(status, map[string]any{"errors": []any{one}})
}

const unauthorized = "access to the requested resource is not authorized"

// challenge is a 401 with the place to get a bearer from: the host name that
// the client used. A scope names what was missing.
func challenge(r *http.Request, message, scope string) web.Answer {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	value := fmt.Sprintf(`Bearer realm="%s://%s/v2/auth",service="%s"`, scheme, r.Host, r.Host)
	if scope != "" {
		value += fmt.Sprintf(`,scope="%s"`, scope)
	}
	return registryError(http.StatusUnauthorized, "UNAUTHORIZED", message).With("WWW-Authenticate", value)
}

// serveAuth is the registry's token endpoint (measured).
func (s *Quay) serveAuth(w http.ResponseWriter, r *http.Request) {
	robot, err := s.authenticate(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	granted, err := s.grant(robot, r.URL.Query()["scope"])
	if err != nil {
		s.refuse(w, err)
		return
	}
	tokenAnswer(s.keys.Mint(jwt.Spec{}, s.claims(robot, granted), keyName, s.keys.Quay())).
		With("Cache-Control", "no-cache, no-store, must-revalidate").Write(w)
}

// authenticate finds out which robot asks, by its static password or a robot
// token. A JWT that is no valid robot token is a 500 here, as at Quay.
func (s *Quay) authenticate(r *http.Request) (string, error) {
	name, password, err := basicCredential(r.Header.Get("Authorization"))
	if err != nil {
		return "", challenge(r, unauthorized, "")
	}
	if !strings.Contains(name, "+") {
		return "", challenge(r, "Invalid Username or Password", "")
	}
	robot, ok := s.db.Robot(name)
	if !ok {
		return "", challenge(r, "Could not find robot with specified username", "")
	}
	if s.RobotsDisallow && !slices.Contains(s.RobotsWhitelist, name) {
		return "", challenge(r, "Robot account have been disabled. Please contact your administrator.", "")
	}
	if t, err := jwt.Parse(password); err == nil {
		if s.verifyOwn(t) != nil {
			return "", web.InternalError
		}
		if t.Claims["sub"] != name {
			return "", challenge(r, "Token does not match robot", "")
		}
	} else if password == "" || password != robot.Password {
		return "", challenge(r, fmt.Sprintf("Could not find robot with username: %s and supplied password.", name), "")
	}
	if owner, _, _ := strings.Cut(name, "+"); slices.Contains(s.DisabledOrganizations, owner) {
		return "", challenge(r, fmt.Sprintf("Robot %s owner %s is disabled", name, owner), "")
	}
	return name, nil
}

var scopePattern = regexp.MustCompile(`^repository:((?:[\w.-]+/)*[\w.-]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$`)

// grant answers each scope with the actions that the robot has of it; a scope
// that grants nothing is an entry with no actions, not an error.
func (s *Quay) grant(robot string, scopes []string) ([]access, error) {
	granted := []access{}
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		parts := scopePattern.FindStringSubmatch(scope)
		if parts == nil {
			return nil, registryError(http.StatusBadRequest, "INVALID_REQUEST",
				"Unable to decode repository and actions: "+scope)
		}
		actions := s.db.Actions(robot, parts[1], strings.Split(parts[2], ","), !s.ReadOnly)
		granted = append(granted, access{Type: "repository", Name: parts[1], Actions: actions})
	}
	return granted, nil
}

var repositoryPath = regexp.MustCompile(`^/v2/(.+)/(?:blobs|manifests|tags|referrers)/`)

// registry is /v2/ itself: a real registry in memory behind Quay's bearers.
func (s *Quay) registry() http.HandlerFunc {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
		parts := repositoryPath.FindStringSubmatch(r.URL.Path)
		if parts == nil && r.URL.Path != "/v2/" {
			s.site.ServeUnknown(w, r)
			return
		}
		repository, action := "", ""
		if parts != nil {
			repository, action = parts[1], actionOf(r.Method)
		}
		if err := s.authorize(r, repository, action); err != nil {
			s.refuse(w, err)
			return
		}
		images.ServeHTTP(w, r)
	}
}

func actionOf(method string) string {
	if method == http.MethodGet || method == http.MethodHead {
		return "pull"
	}
	return "push"
}

// authorize checks the bearer, and its access claim where a repository is asked.
func (s *Quay) authorize(r *http.Request, repository, action string) error {
	scope := ""
	if repository != "" {
		scope = "repository:" + repository + ":" + map[string]string{"pull": "pull", "push": "pull,push"}[action]
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return challenge(r, unauthorized, scope)
	}
	words := strings.Fields(header)
	if len(words) != 2 || !strings.EqualFold(words[0], "bearer") {
		return challenge(r, "Invalid bearer token format", scope)
	}
	t, err := jwt.Parse(words[1])
	if err != nil || s.verifyOwn(t) != nil {
		return challenge(r, "Invalid bearer token", scope)
	}
	granted, err := accessOf(t)
	if err != nil {
		return challenge(r, "Token contained invalid or malformed access grants", scope)
	}
	if repository == "" {
		return nil
	}
	if !slices.ContainsFunc(granted, func(a access) bool {
		return a.Name == repository && (slices.Contains(a.Actions, action) || slices.Contains(a.Actions, "*"))
	}) {
		return challenge(r, unauthorized, scope)
	}
	if s.ReadOnly && action == "push" {
		return registryError(http.StatusMethodNotAllowed, "DENIED", "System is currently read-only. "+
			"Pulls will succeed but all write operations are currently suspended.")
	}
	return nil
}

// accessOf reads the access claim; a robot token's is an object, not a list.
func accessOf(t *jwt.Token) ([]access, error) {
	text, err := json.Marshal(t.Claims["access"])
	if err != nil {
		return nil, err
	}
	var granted []access
	err = json.Unmarshal(text, &granted)
	return granted, err
}
