// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// issuerModes are the issuers under /issuers/NAME: well-behaved ones and, for
// tests, some that misbehave in their discovery (d…) or in their keys (j…). Slow
// ones never answer; a fault of kind [Slow] is one that can be let go.
var issuerModes = map[string]struct {
	discovery, keys answer // in place of the right one, if it has a status
	issuer          string // named by discovery: {self} and {base} are replaced
	plainKeys       bool   // jwks_uri is an http one
	nameless        bool   // keys without kid
	slowDiscovery   bool
	slowKeys        bool
}{
	"github": {}, "gitlab": {}, "kubernetes": {}, "good": {},
	"azure-pipelines": {}, "buildkite": {}, "circleci": {}, "google": {}, "oidc": {}, "oidc-post": {},
	"d500":   {discovery: internalError},
	"d404":   {discovery: page(http.StatusNotFound, typeHTML, "Not Found", "")},
	"d429":   {discovery: page(http.StatusTooManyRequests, typeHTML, "Too Many Requests", "")},
	"dhtml":  {discovery: page(http.StatusOK, typeHTML, "Sign in", "")},
	"dempty": {discovery: jsonAnswer(http.StatusOK, map[string]string{})},
	"dlist":  {discovery: jsonAnswer(http.StatusOK, []string{})},
	"dredir": {discovery: answer{status: http.StatusFound, contentType: typeHTML}.with("Location", "/issuers/good"+wellKnown)},
	"dother": {issuer: "{base}somebody-else"},
	"dslash": {issuer: "{self}/"},
	"dslow8": {slowDiscovery: true},
	"jplain": {plainKeys: true},
	"j500":   {keys: internalError},
	"jhtml":  {keys: page(http.StatusOK, typeHTML, "Sign in", "")},
	"jempty": {keys: jsonAnswer(http.StatusOK, map[string]any{"keys": []any{}})},
	"jodd":   {keys: jsonAnswer(http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "XYZ", "kid": "jodd-1"}}})},
	"jnokid": {nameless: true},
	"jslow8": {slowKeys: true},
}

// issuerURL gives the URL that a configured issuer stands for: itself, or the
// sandbox's own issuer of that short name.
func (s *Sandbox) issuerURL(issuer string) string {
	if issuer != "" && !strings.Contains(issuer, "://") && !strings.Contains(issuer, "${SELF}") {
		return s.URL + "/issuers/" + issuer
	}
	return strings.ReplaceAll(issuer, "${SELF}", s.URL)
}

func (s *Sandbox) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	mode, ok := issuerModes[name]
	switch {
	case !ok:
		s.serveUnknown(w, r)
		return
	case mode.slowDiscovery:
		wait(r.Context(), nil)
	case mode.discovery.status != 0:
		mode.discovery.write(w)
		return
	}
	self, base := s.issuerURL(name), s.URL
	issuer := self
	if mode.issuer != "" {
		issuer = strings.NewReplacer("{self}", self, "{base}", s.URL+"/issuers/").Replace(mode.issuer)
	}
	if mode.plainKeys {
		base = s.PlainURL
	}
	document := map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              base + "/issuers/" + name + "/jwks",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	maps.Copy(document, s.providerEndpoints(name))
	jsonAnswer(http.StatusOK, document).write(w)
}

func (s *Sandbox) serveKeys(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	mode, ok := issuerModes[name]
	switch {
	case !ok:
		s.serveUnknown(w, r)
	case mode.slowKeys:
		wait(r.Context(), nil)
	case mode.keys.status != 0:
		mode.keys.write(w)
	default:
		s.keySet(name, mode.nameless).write(w)
	}
}

// keySet has the issuer's RSA key NAME-1 and its EC key NAME-ec.
func (s *Sandbox) keySet(name string, nameless bool) answer {
	set := jwk.NewSet()
	for _, public := range []struct {
		id  string
		key any
	}{{name + "-1", &s.cfg.Keys.issuer().PublicKey}, {name + "-ec", &s.cfg.Keys.ec().PublicKey}} {
		key, err := jwk.Import(public.key)
		must(err)
		must(key.Set(jwk.KeyUsageKey, "sig"))
		if !nameless {
			must(key.Set(jwk.KeyIDKey, public.id))
		}
		must(set.AddKey(key))
	}
	text, err := json.Marshal(set)
	must(err)
	return answer{status: http.StatusOK, contentType: typeJSON, body: string(text)}
}
