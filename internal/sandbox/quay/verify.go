// SPDX-License-Identifier: Apache-2.0

package quay

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

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

const (
	wellKnown = "/.well-known/openid-configuration"
	leeway    = 30 * time.Second
	maxBody   = 1 << 20 // of an issuer's document
)

// errUnreachable ends an exchange if Quay cannot reach the issuer.
var errUnreachable = errors.New("issuer not reached")

// verify asks the issuer and then checks the token, in Quay's order of
// precedence: signature, claims, audience, subject.
func (s *Quay) verify(ctx context.Context, t *jwt.Token, tr trust) error {
	if !strings.HasPrefix(tr.issuer, "https://") {
		return web.InternalError
	}
	keysURL, err := s.discover(ctx, tr.issuer)
	if err != nil {
		return err
	}
	key, err := s.issuerKey(ctx, keysURL, t.Header["kid"].(string))
	if err != nil {
		return err
	}
	if t.Alg() != "RS256" && t.Alg() != "RS384" {
		return invalidToken("The specified alg value is not allowed")
	}
	if t.Verify(key) != nil {
		return invalidToken("Signature verification failed")
	}
	if err := s.checkTimes(t); err != nil {
		return err
	}
	if s.Release.Bindings {
		return s.checkBinding(t, tr.entries)
	}
	if err := s.checkAudience(t, tr.audiences); err != nil {
		return err
	}
	return s.checkSubject(t, tr.subjects)
}

// discover returns the jwks_uri of the issuer. Its discovery document must name the
// issuer itself.
func (s *Quay) discover(ctx context.Context, issuer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.DiscoveryTimeout)
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
		return "", web.InternalError
	}
	if !s.Release.sameIssuer(issuer, document.Issuer) {
		return "", s.Release.wrongIssuer(issuer, document.Issuer)
	}
	return document.KeysURL, nil
}

// issuerKey fetches the keys, for which Quay has no time limit: only nginx
// ends the wait. Anything except an RSA key with this id fails with 500.
func (s *Quay) issuerKey(ctx context.Context, url, kid string) (*rsa.PublicKey, error) {
	body, err := s.fetch(ctx, url)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, keysTooSlow
	}
	if err != nil {
		return nil, err
	}
	set, err := jwk.Parse(body)
	if err != nil {
		return nil, web.InternalError
	}
	found, ok := set.LookupKeyID(kid)
	if !ok {
		return nil, web.InternalError
	}
	var key rsa.PublicKey
	if jwk.Export(found, &key) != nil {
		return nil, web.InternalError
	}
	return &key, nil
}

func (s *Quay) fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, web.InternalError
	}
	response, err := s.issuers.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, web.InternalError
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return body, nil
}

func (s *Quay) checkTimes(t *jwt.Token) error {
	for _, claim := range []string{"iat", "exp"} {
		if t.Claims[claim] == nil {
			return missingClaim(claim)
		}
	}
	issued, ok := t.Claims["iat"].(float64)
	if !ok {
		return invalidToken("Issued At claim (iat) must be an integer.")
	}
	now := s.site.Now()
	if issued > float64(now.Add(leeway).Unix()) {
		return invalidToken("Issued At claim (iat) cannot be in the future.")
	}
	if s.Release.Bindings {
		begins, ok := t.Claims["nbf"].(float64)
		switch {
		case t.Claims["nbf"] != nil && !ok:
			return invalidToken("Not Before claim (nbf) must be an integer.")
		case begins > float64(now.Add(leeway).Unix()):
			return invalidToken("The token is not yet valid (nbf)")
		}
	}
	expires, ok := t.Claims["exp"].(float64)
	if !ok {
		return invalidToken("Expiration Time claim (exp) must be an integer.")
	}
	if expires <= float64(now.Add(-leeway).Unix()) {
		return invalidToken("Signature has expired")
	}
	return nil
}

func missingClaim(name string) web.Answer {
	return invalidToken(fmt.Sprintf("Token is missing the %q claim", name))
}

func (s *Quay) checkAudience(t *jwt.Token, accepted []string) error {
	if !s.Release.audiences || len(accepted) == 0 {
		return nil
	}
	if falsy(t.Claims["aud"]) {
		return missingClaim("aud")
	}
	list, ok := t.Claims["aud"].([]any)
	if !ok {
		list = []any{t.Claims["aud"]}
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

func (s *Quay) checkSubject(t *jwt.Token, accepted []string) error {
	subject, isString := t.Claims["sub"].(string)
	if s.Release.typedClaims {
		if t.Claims["sub"] != nil && !isString {
			return invalidToken("Subject must be a string")
		}
		if _, ok := t.Claims["jti"].(string); !ok && t.Claims["jti"] != nil {
			return invalidToken("JWT ID must be a string")
		}
	}
	if subject == "" || !slices.Contains(accepted, subject) {
		return refused("Token does not match robot")
	}
	return nil
}

// checkBinding is what later releases decide after the signature and the times:
// the subject first, then the audiences of that entry alone.
func (s *Quay) checkBinding(t *jwt.Token, bindings []database.Entry) error {
	bindings = slices.DeleteFunc(bindings, func(e database.Entry) bool { return e.Subject != t.Claims["sub"] })
	switch len(bindings) {
	case 0:
		return refused("Token does not match robot")
	case 1:
	default:
		return refused("Ambiguous federation binding for this robot")
	}
	accepted := bindings[0].Audiences
	list, ok := t.Claims["aud"].([]any)
	if !ok {
		list = []any{t.Claims["aud"]}
	}
	allowed := func(audience any) bool {
		text, ok := audience.(string)
		return ok && slices.Contains(accepted, text)
	}
	if len(accepted) > 0 && !slices.ContainsFunc(list, allowed) {
		return refused("Token audience is not allowed for this robot")
	}
	return nil
}
