// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

const exchangePath = "/oauth2/federation/robot/token"

// serveExchange is the federation endpoint.
func (s *Quay) serveExchange(w http.ResponseWriter, r *http.Request) {
	robot, err := s.exchange(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	ok := s.TokenFor(robot)
	if !s.AppServer {
		ok = ok.With("X-Frame-Options", "DENY").With("Strict-Transport-Security", "max-age=63072000; preload")
	}
	ok.Write(w)
}

// exchange decides a request in Quay's order and returns the robot's name.
func (s *Quay) exchange(r *http.Request) (string, error) {
	name, password, err := basicCredential(r.Header.Get("Authorization"))
	if err != nil {
		return "", err
	}
	if !strings.Contains(name, "+") {
		return "", badHeader("Invalid robot")
	}
	if s.db.Down() {
		return "", web.InternalError
	}
	robot, ok := s.db.Robot(name)
	if !ok {
		return "", refused("Could not find robot with specified username")
	}
	t, err := jwt.Parse(password)
	if err != nil {
		return "", web.InternalError
	}
	trust, err := s.trustFor(t, robot.Federation)
	if err != nil {
		return "", err
	}
	if err := s.verify(r.Context(), t, trust); err != nil {
		return "", err
	}
	if robot.Disabled {
		return "", web.InternalError
	}
	s.noteExchange(r, name, t)
	return name, nil
}

// noteExchange logs an exchange that succeeded; Quay logs no others.
func (s *Quay) noteExchange(r *http.Request, robot string, t *jwt.Token) {
	owner, short, _ := strings.Cut(robot, "+")
	s.db.Note(database.Event{
		Kind: "federated_robot_token_exchange", Namespace: owner, IP: clientIP(r),
		Metadata: []database.Field{{Name: "subject", Value: t.Claims["sub"]}, {Name: "issuer", Value: t.Claims["iss"]}, {Name: "robot", Value: short}},
	})
}

func clientIP(r *http.Request) string {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	return ip
}

// basicCredential reads the header as Quay does, with its five objections.
func basicCredential(header string) (user, password string, err error) {
	words := strings.Fields(header)
	if len(words) == 0 {
		return "", "", badHeader("No auth header")
	}
	if len(words) != 2 || !strings.EqualFold(words[0], "basic") {
		return "", "", badHeader("Invalid basic auth header")
	}
	text, err := jwt.LenientBase64(words[1])
	if err != nil || !utf8.Valid(text) {
		return "", "", badHeader("Could not parse basic auth header")
	}
	user, password, ok := strings.Cut(string(text), ":")
	if !ok {
		return "", "", badHeader("Unexpected number of credentials found in basic auth header")
	}
	return user, password, nil
}

// trust is what a robot's federation entries of one issuer say together.
type trust struct {
	issuer    string
	subjects  []string
	audiences []string // nil: not checked
	entries   []database.Entry
}

// trustFor finds the entries for the token's issuer. Audiences belong to the
// issuer: of several entries the last list that is not empty wins for all.
func (s *Quay) trustFor(t *jwt.Token, entries []database.Entry) (trust, error) {
	issuer := t.Claims["iss"]
	if falsy(issuer) {
		return trust{}, refused("Token does not contain issuer")
	}
	if len(entries) == 0 {
		return trust{}, refused("Robot does not have federated login configured")
	}
	found, broken := trust{issuer: fmt.Sprint(issuer)}, false
	for _, entry := range entries {
		if s.site.Issuer(entry.Issuer) != found.issuer {
			continue
		}
		found.subjects = append(found.subjects, entry.Subject)
		found.entries = append(found.entries, entry)
		if len(entry.Audiences) > 0 {
			found.audiences = entry.Audiences
		}
		broken = broken || entry.BrokenAudiences
	}
	if found.subjects == nil {
		return trust{}, refused(fmt.Sprintf("issuer %s not configured for this robot", found.issuer))
	}
	if err := s.checkHeader(t); err != nil {
		return trust{}, err
	}
	if broken {
		return trust{}, web.InternalError
	}
	return found, nil
}

// checkHeader is what Quay decides on the header before it asks the issuer.
func (s *Quay) checkHeader(t *jwt.Token) error {
	kid := t.Header["kid"]
	if kid == nil {
		return invalidToken("Missing `kid` header")
	}
	_, isString := kid.(string)
	_, critical := t.Header["crit"]
	switch {
	case s.Release.typedClaims && (critical || !isString):
		return web.InternalError
	case !isString:
		return invalidToken("Key ID header parameter must be a string")
	}
	return nil
}

// falsy is Python's notion of a value that counts as absent.
func falsy(value any) bool {
	if list, ok := value.([]any); ok {
		return len(list) == 0
	}
	return value == nil || value == "" || value == 0.0 || value == false
}
