// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"errors"
	"maps"
	"path"
	"strings"
	"time"

	"quay-keyless/internal/sandbox/jwt"
)

var errNotListening = errors.New("sandbox: Listen first, the issuers need its URL")

// Mint signs the ID token that t describes.
func (s *Platforms) Mint(t jwt.Spec) (string, error) {
	if s.site.URL == "" {
		return "", errNotListening
	}
	if t.Issuer == "" {
		t.Issuer = "github"
	}
	id := t.Issuer
	if strings.Contains(id, "/") {
		id = path.Base(id)
	}
	return s.keys.Mint(t, s.claimsFor(t), id, s.keys.Issuer())
}

func (s *Platforms) claimsFor(t jwt.Spec) map[string]any {
	subject, audience := t.Subject, any("quay")
	if subject == "" {
		subject = DefaultSubject(t.Issuer)
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

// DefaultSubject is the subject of the default job on a platform.
func DefaultSubject(issuer string) string {
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

// platformClaims are the claims that all platforms share, with the lifetime
// of each platform's tokens.
func (s *Platforms) platformClaims(issuer, subject string, audience any) map[string]any {
	now, lifetime := s.site.Now(), 5*time.Minute
	if issuer == "kubernetes" {
		lifetime = time.Hour
	}
	claims := map[string]any{
		"iss": s.site.Issuer(issuer), "sub": subject, "aud": audience, "jti": "7f6c1c2e-sandbox",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	maps.Copy(claims, platformShape(issuer, subject, now))
	return claims
}
