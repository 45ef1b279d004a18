// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"net/http"
	"time"
)

const (
	quayKeyID     = "quay-sandbox-1"
	tokenLifetime = time.Hour
	maxLifetime   = tokenLifetime + time.Minute // more than Quay would have signed
)

// access is one entry of the access claim: what a bearer may do where.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// quayClaims are those of Quay's tokens. They depend on the second only, so
// two exchanges in one second give the same token.
func (s *Sandbox) quayClaims(robot string, access any) map[string]any {
	now := s.now().Unix()
	return map[string]any{
		"iss": "quay", "aud": s.Host, "sub": robot,
		"nbf": now, "iat": now, "exp": now + int64(tokenLifetime.Seconds()),
		"access": access,
		"context": map[string]any{
			"version": 2, "entity_kind": "robot", "entity_reference": robot,
			"kind": "user", "user": robot,
			"com.apostille.roots": nil, "com.apostille.root": "$disabled",
		},
	}
}

func (s *Sandbox) robotToken(robot string) (string, error) {
	return s.signAsQuay(s.quayClaims(robot, map[string]any{}))
}

func (s *Sandbox) signAsQuay(claims map[string]any) (string, error) {
	header := map[string]any{"alg": "RS256", "kid": quayKeyID, "typ": "JWT"}
	return sign(header, claims, "RS256", s.cfg.Keys.quay())
}

func (s *Sandbox) tokenAnswer(token string, err error) answer {
	if err != nil {
		return internalError
	}
	return jsonAnswer(http.StatusOK, map[string]string{"token": token})
}

var errNotQuays = errors.New("not a token of this Quay that is valid now")

// verifyOwn checks a token that Quay signed itself, for robot or bearer use.
func (s *Sandbox) verifyOwn(t *token) error {
	issued, _ := t.claims["iat"].(float64)
	expires, _ := t.claims["exp"].(float64)
	switch {
	case t.header["kid"] != quayKeyID, t.alg() != "RS256",
		t.claims["iss"] != "quay", t.claims["aud"] != s.Host,
		expires <= float64(s.now().Add(-leeway).Unix()),
		expires-issued > maxLifetime.Seconds():
		return errNotQuays
	}
	return t.verify(&s.cfg.Keys.quay().PublicKey)
}
