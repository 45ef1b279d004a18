// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"maps"
	"strings"
	"time"
)

// Token describes an ID token to mint, right or wrong. The zero value is what
// the default job on GitHub gets for the audience quay.
type Token struct {
	// Issuer is a short name ("github", "gitlab", "kubernetes", "good" and the
	// odd ones), a URL, or "quay" for a token that Quay itself has signed.
	Issuer string
	// Subject and Audience are the usual claims; empty means the default ones.
	Subject  string
	Audience []string
	// Header and Claims override what would be there; nil deletes.
	Header, Claims map[string]any
	// Alg is the algorithm, RS256 if empty; none, HS256, PS256, ES256, … also.
	Alg string
	// OtherKey signs with a key that the issuer never published.
	OtherKey bool
}

var errNotListening = errors.New("sandbox: Listen first, the issuers need its URL")

// Mint signs the token that t describes.
func (s *Sandbox) Mint(t Token) (string, error) {
	if s.URL == "" {
		return "", errNotListening
	}
	if t.Issuer == "" {
		t.Issuer = "github"
	}
	if t.Alg == "" {
		t.Alg = "RS256"
	}
	claims := override(s.claimsFor(t), t.Claims)
	header := override(map[string]any{"typ": "JWT", "alg": t.Alg, "kid": keyID(t)}, t.Header)
	return sign(header, claims, t.Alg, s.signingKey(t))
}

func (s *Sandbox) claimsFor(t Token) map[string]any {
	if t.Issuer == "quay" {
		return s.quayClaims(t.Subject, map[string]any{})
	}
	subject, audience := t.Subject, any("quay")
	if subject == "" {
		subject = defaultSubject(t.Issuer)
	}
	switch {
	case t.Issuer == "kubernetes" && t.Audience == nil:
		audience = []string{"quay"}
	case len(t.Audience) == 1 && t.Issuer != "kubernetes":
		audience = t.Audience[0]
	case t.Audience != nil:
		audience = t.Audience
	}
	return s.platformClaims(t.Issuer, subject, audience)
}

func keyID(t Token) string {
	suffix := "-1"
	if strings.HasPrefix(t.Alg, "ES") {
		suffix = "-ec"
	}
	switch {
	case t.Issuer == "quay":
		return quayKeyID
	case strings.Contains(t.Issuer, "/"):
		_, name, _ := cutLast(strings.TrimRight(t.Issuer, "/"), "/")
		return name + suffix
	default:
		return t.Issuer + suffix
	}
}

func (s *Sandbox) signingKey(t Token) any {
	keys := s.cfg.Keys
	switch {
	case strings.HasPrefix(t.Alg, "ES"):
		return keys.ec()
	case strings.HasPrefix(t.Alg, "HS"):
		return []byte(strings.Repeat("not a secret ", 8))
	case t.OtherKey:
		return keys.other()
	case t.Issuer == "quay":
		return keys.quay()
	default:
		return keys.issuer()
	}
}

func override(base, changes map[string]any) map[string]any {
	maps.Copy(base, changes)
	maps.DeleteFunc(base, func(_ string, value any) bool { return value == nil })
	return base
}

func defaultSubject(issuer string) string {
	switch issuer {
	case "gitlab":
		return "project_path:acme/app:ref_type:branch:ref:main"
	case "kubernetes":
		return "system:serviceaccount:acme:pipeline"
	case "azure-pipelines":
		return "p://acme/app/build"
	case "buildkite":
		return buildkitePipeline
	case "circleci":
		return "org/" + circleOrganization + "/project/" + circleProject + "/user/" + circleUser
	case "google":
		return googleAccount
	default:
		return "repo:acme/app:ref:refs/heads/main"
	}
}

// platformClaims gives the claims that all platforms share, with the lifetime
// of each platform's tokens.
func (s *Sandbox) platformClaims(issuer, subject string, audience any) map[string]any {
	now, lifetime := s.now(), 5*time.Minute
	if issuer == "kubernetes" {
		lifetime = time.Hour
	}
	claims := map[string]any{
		"iss": s.issuerURL(issuer), "sub": subject, "aud": audience, "jti": "7f6c1c2e-sandbox",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	maps.Copy(claims, platformShape(issuer, subject, now))
	return claims
}
