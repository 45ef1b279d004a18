// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"maps"
	"strings"
)

// Spec describes a token to mint, right or wrong. The zero value is what
// the default job on GitHub receives for the audience quay.
type Spec struct {
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

// Mint signs the claims with the key and its id, changed as the spec says.
func (k *Keys) Mint(spec Spec, claims map[string]any, id string, own any) (string, error) {
	alg := spec.Alg
	if alg == "" {
		alg = "RS256"
	}
	suffix := "-1"
	switch {
	case strings.HasPrefix(alg, "ES"):
		suffix, own = "-ec", k.EC()
	case strings.HasPrefix(alg, "HS"):
		own = []byte(strings.Repeat("not a secret ", 8))
	case spec.OtherKey:
		own = k.other()
	}
	header := override(map[string]any{"typ": "JWT", "alg": alg, "kid": id + suffix}, spec.Header)
	return Sign(header, override(claims, spec.Claims), alg, own)
}

func override(base, changes map[string]any) map[string]any {
	maps.Copy(base, changes)
	maps.DeleteFunc(base, func(_ string, value any) bool { return value == nil })
	return base
}
