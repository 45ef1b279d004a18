// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"encoding/base64"
	"maps"
	"math/big"
	"net/http"
	"strings"

	"quay-keyless/internal/sandbox/web"
)

// issuerModes are the issuers under /issuers/NAME: well-behaved ones and, for
// tests, some that misbehave in their discovery (d…) or in their keys (j…). Slow
// ones never answer; a fault of kind Slow is one that can be let go.
var issuerModes = map[string]struct {
	discovery, keys web.Answer // in place of the right one, if it has a status
	issuer          string     // named by discovery: {self}, {http} and {base} are replaced
	plainKeys       bool       // jwks_uri is an http one
	nameless        bool       // keys without kid
	slowDiscovery   bool
	slowKeys        bool
}{
	"github": {}, "gitlab": {}, "kubernetes": {}, "good": {},
	"azure-pipelines": {}, "buildkite": {}, "circleci": {}, "google": {}, "oidc": {}, "oidc-post": {},
	"d500":   {discovery: web.InternalError},
	"d404":   {discovery: web.Page(http.StatusNotFound, web.TypeHTML, "Not Found", "")},
	"d429":   {discovery: web.Page(http.StatusTooManyRequests, web.TypeHTML, "Too Many Requests", "")},
	"dhtml":  {discovery: web.Page(http.StatusOK, web.TypeHTML, "Sign in", "")},
	"dempty": {discovery: web.JSON(http.StatusOK, map[string]string{})},
	"dlist":  {discovery: web.JSON(http.StatusOK, []string{})},
	"dredir": {discovery: web.Answer{Status: http.StatusFound, Type: web.TypeHTML}.With("Location", "/issuers/good/.well-known/openid-configuration")},
	"dother": {issuer: "{base}somebody-else"},
	"dslash": {issuer: "{self}/"},
	"dhttp":  {issuer: "{http}"},
	"dslow8": {slowDiscovery: true},
	"jplain": {plainKeys: true},
	"j500":   {keys: web.InternalError},
	"jhtml":  {keys: web.Page(http.StatusOK, web.TypeHTML, "Sign in", "")},
	"jempty": {keys: web.JSON(http.StatusOK, map[string]any{"keys": []any{}})},
	"jodd":   {keys: web.JSON(http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "XYZ", "kid": "jodd-1"}}})},
	"jnokid": {nameless: true},
	"jslow8": {slowKeys: true},
}

func (s *Platforms) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	mode, ok := issuerModes[name]
	switch {
	case !ok:
		s.site.ServeUnknown(w, r)
		return
	case mode.slowDiscovery:
		web.Wait(r.Context(), nil)
	case mode.discovery.Status != 0:
		mode.discovery.Write(w)
		return
	}
	self, base := s.site.Issuer(name), s.site.URL
	issuer := self
	if mode.issuer != "" {
		issuer = strings.NewReplacer("{self}", self, "{http}", strings.Replace(self, "https:", "http:", 1), "{base}", s.site.URL+"/issuers/").Replace(mode.issuer)
	}
	if mode.plainKeys {
		base = s.site.PlainURL
	}
	document := map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              base + "/issuers/" + name + "/jwks",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	maps.Copy(document, s.providerEndpoints(name))
	web.JSON(http.StatusOK, document).Write(w)
}

func (s *Platforms) serveKeys(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	mode, ok := issuerModes[name]
	switch {
	case !ok:
		s.site.ServeUnknown(w, r)
	case mode.slowKeys:
		web.Wait(r.Context(), nil)
	case mode.keys.Status != 0:
		mode.keys.Write(w)
	default:
		s.keySet(name, mode.nameless).Write(w)
	}
}

// keySet is the JSON Web Key Set with the issuer's RSA key NAME-1 and its EC key
// NAME-ec.
func (s *Platforms) keySet(name string, nameless bool) web.Answer {
	rsa, elliptic := s.keys.Issuer().PublicKey, s.keys.EC()
	point, err := elliptic.PublicKey.Bytes()
	if err != nil {
		return web.InternalError
	}
	encode := base64.RawURLEncoding.EncodeToString
	keys := []map[string]string{
		{"kty": "RSA", "use": "sig", "kid": name + "-1", "n": encode(rsa.N.Bytes()), "e": encode(big.NewInt(int64(rsa.E)).Bytes())},
		{"kty": "EC", "use": "sig", "kid": name + "-ec", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])},
	}
	if nameless {
		for _, key := range keys {
			delete(key, "kid")
		}
	}
	return web.JSON(http.StatusOK, map[string]any{"keys": keys})
}
