// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"errors"
	"net/http"
	"time"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

const (
	keyName       = "quay-sandbox"
	tokenLifetime = time.Hour
	maxLifetime   = tokenLifetime + time.Minute // more than Quay would have signed
)

// access is one entry of the access claim: what a bearer may do where.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// claims are those of Quay's tokens. They depend on the second only, so two
// exchanges in one second give the same token.
func (s *Quay) claims(robot string, access any) map[string]any {
	now := s.site.Now().Unix()
	return map[string]any{
		"iss": "quay", "aud": s.site.Host, "sub": robot,
		"nbf": now, "iat": now, "exp": now + int64(tokenLifetime.Seconds()),
		"access": access,
		"context": map[string]any{
			"version": 2, "entity_kind": "robot", "entity_reference": robot,
			"kind": "user", "user": robot,
			"com.apostille.roots": nil, "com.apostille.root": "$disabled",
		},
	}
}

// Mint signs a token as Quay itself does, for the robot that is its subject.
func (s *Quay) Mint(t jwt.Spec) (string, error) {
	return s.keys.Mint(t, s.claims(t.Subject, map[string]any{}), keyName, s.keys.Quay())
}

// TokenFor is the answer to an exchange that succeeds.
func (s *Quay) TokenFor(robot string) web.Answer {
	return tokenAnswer(s.Mint(jwt.Spec{Subject: robot}))
}

func tokenAnswer(token string, err error) web.Answer {
	if err != nil {
		return web.InternalError
	}
	return web.JSON(http.StatusOK, map[string]string{"token": token})
}

var errNotQuays = errors.New("not a token of this Quay that is valid now")

// verifyOwn checks a token that Quay signed itself, for robot or bearer use.
func (s *Quay) verifyOwn(t *jwt.Token) error {
	issued, _ := t.Claims["iat"].(float64)
	expires, _ := t.Claims["exp"].(float64)
	switch {
	case t.Header["kid"] != keyName+"-1", t.Alg() != "RS256",
		t.Claims["iss"] != "quay", t.Claims["aud"] != s.site.Host,
		expires <= float64(s.site.Now().Add(-leeway).Unix()),
		expires-issued > maxLifetime.Seconds():
		return errNotQuays
	}
	return t.Verify(&s.keys.Quay().PublicKey)
}
