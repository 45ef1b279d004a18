// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

const (
	wellKnown = "/.well-known/openid-configuration"
	leeway    = 30 * time.Second
	maxBody   = 1 << 20 // of an issuer's document
)

// errUnreachable ends an exchange whose issuer cannot be asked.
var errUnreachable = errors.New("issuer not reached")

// verify asks the issuer and then checks the token, in Quay's order of
// precedence: signature, claims, audience, subject.
func (s *Sandbox) verify(ctx context.Context, t *token, tr trust) error {
	if !strings.HasPrefix(tr.issuer, "https://") {
		return internalError
	}
	keysURL, err := s.discover(ctx, tr.issuer)
	if err != nil {
		return err
	}
	key, err := s.issuerKey(ctx, keysURL, t.header["kid"].(string))
	if err != nil {
		return err
	}
	if t.alg() != "RS256" && t.alg() != "RS384" {
		return invalidToken("The specified alg value is not allowed")
	}
	if t.verify(key) != nil {
		return invalidToken("Signature verification failed")
	}
	if err := s.checkTimes(t); err != nil {
		return err
	}
	if s.facts.bindings {
		return s.checkBinding(t, tr.entries)
	}
	if err := s.checkAudience(t, tr.audiences); err != nil {
		return err
	}
	return s.checkSubject(t, tr.subjects)
}

// discover gives the jwks_uri of the issuer, whose discovery must name the
// issuer itself.
func (s *Sandbox) discover(ctx context.Context, issuer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.DiscoveryTimeout)
	defer cancel()
	body, err := s.fetch(ctx, strings.TrimRight(issuer, "/")+wellKnown)
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if json.Unmarshal(body, &document) != nil || document.KeysURL == "" {
		return "", internalError
	}
	if !s.facts.sameIssuer(issuer, document.Issuer) {
		return "", s.facts.wrongIssuer(issuer, document.Issuer)
	}
	return document.KeysURL, nil
}

// issuerKey fetches the keys, for which Quay has no time limit: only nginx
// ends the wait. Everything but an RSA key of this id is a 500.
func (s *Sandbox) issuerKey(ctx context.Context, url, kid string) (*rsa.PublicKey, error) {
	body, err := s.fetch(ctx, url)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, keysTooSlow
	}
	if err != nil {
		return nil, err
	}
	set, err := jwk.Parse(body)
	if err != nil {
		return nil, internalError
	}
	found, ok := set.LookupKeyID(kid)
	if !ok {
		return nil, internalError
	}
	var key rsa.PublicKey
	if jwk.Export(found, &key) != nil {
		return nil, internalError
	}
	return &key, nil
}

func (s *Sandbox) fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, internalError
	}
	response, err := s.issuers.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, internalError
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return body, nil
}

func (s *Sandbox) checkTimes(t *token) error {
	for _, claim := range []string{"iat", "exp"} {
		if t.claims[claim] == nil {
			return missingClaim(claim)
		}
	}
	issued, ok := t.claims["iat"].(float64)
	if !ok {
		return invalidToken("Issued At claim (iat) must be an integer.")
	}
	now := s.now()
	if issued > float64(now.Add(leeway).Unix()) {
		return invalidToken("Issued At claim (iat) cannot be in the future.")
	}
	expires, ok := t.claims["exp"].(float64)
	if !ok {
		return invalidToken("Expiration Time claim (exp) must be an integer.")
	}
	if expires <= float64(now.Add(-leeway).Unix()) {
		return invalidToken("Signature has expired")
	}
	return nil
}

func missingClaim(name string) answer {
	return invalidToken(fmt.Sprintf("Token is missing the %q claim", name))
}

func (s *Sandbox) checkAudience(t *token, accepted []string) error {
	if !s.facts.audiences || len(accepted) == 0 {
		return nil
	}
	if falsy(t.claims["aud"]) {
		return missingClaim("aud")
	}
	list, ok := t.claims["aud"].([]any)
	if !ok {
		list = []any{t.claims["aud"]}
	}
	matches := false
	for _, value := range list {
		audience, ok := value.(string)
		if !ok {
			return invalidToken("Invalid claim format in token")
		}
		matches = matches || slices.Contains(accepted, audience)
	}
	if !matches {
		return invalidToken("Audience doesn't match")
	}
	return nil
}

func (s *Sandbox) checkSubject(t *token, accepted []string) error {
	subject, isString := t.claims["sub"].(string)
	if s.facts.typedClaims {
		if t.claims["sub"] != nil && !isString {
			return invalidToken("Subject must be a string")
		}
		if _, ok := t.claims["jti"].(string); !ok && t.claims["jti"] != nil {
			return invalidToken("JWT ID must be a string")
		}
	}
	if subject == "" || !slices.Contains(accepted, subject) {
		return refused("Token does not match robot")
	}
	return nil
}
