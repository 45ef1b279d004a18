// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/database"
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
	value := challengeTo(r)
	if scope != "" {
		value += fmt.Sprintf(`,scope="%s"`, scope)
	}
	return registryError(http.StatusUnauthorized, "UNAUTHORIZED", message).With("WWW-Authenticate", value)
}

func challengeTo(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf(`Bearer realm="%s://%s/v2/auth",service="%s"`, scheme, r.Host, r.Host)
}

// serveAuth is the registry's token endpoint.
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
	s.db.Accessed(robot)
	if len(granted) == 0 { // Quay logs no login for a repository
		s.note(r, "login_success", robot, "", []database.Field{{Name: "kind", Value: "robot"}, {Name: "robot", Value: robot},
			{Name: "type", Value: "v2auth"}, {Name: "useragent", Value: r.UserAgent()}})
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
	if s.db.Down() {
		return "", web.InternalError
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

// note logs what a robot did in its organization.
func (s *Quay) note(r *http.Request, kind, robot, repository string, metadata []database.Field) {
	owner, _, _ := strings.Cut(robot, "+")
	s.db.Note(database.Event{Kind: kind, Namespace: owner, Repository: repository, Performer: robot, IP: clientIP(r), Metadata: metadata})
}
