// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// Keys are an issuer's published keys (RFC 7517).
type Keys struct {
	name string
	raw  []json.RawMessage
}

// FetchKeys reads the keys that a discovery document names. The errors are as
// those of [Discover].
func FetchKeys(ctx context.Context, client *endpoint.Client, document Document) (Keys, error) {
	keys := Keys{name: "the list of keys at " + document.KeysURL}
	body, err := read(ctx, client, keys.name, document.KeysURL)
	if err != nil {
		return keys, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(body, &set) != nil || set.Keys == nil {
		return keys, &Fault{keys.name, "is no JSON object with keys"}
	}
	keys.raw = set.Keys
	return keys, nil
}

// Len is how many keys there are.
func (k Keys) Len() int { return len(k.raw) }

// known are the kinds of keys that Quay's library can read; another one anywhere
// in the list makes it give up (measured).
var known = []string{"RSA", "EC", "oct", "OKP"}

// Verify looks for the key of an ID token and checks the signature with it. The
// error is a [*Fault].
func (k Keys) Verify(token idtoken.Secret, claims idtoken.Claims) error {
	var found json.RawMessage
	var kind string
	for _, raw := range k.raw {
		var key struct {
			Kty string `json:"kty"`
			Kid string `json:"kid"`
		}
		if json.Unmarshal(raw, &key) != nil || !slices.Contains(known, key.Kty) {
			return &Fault{k.name, fmt.Sprintf("has a key of the kind %q, which Quay cannot read, and so it reads none", key.Kty)}
		}
		if key.Kid != "" && key.Kid == claims.KeyID {
			found, kind = raw, key.Kty
		}
	}
	switch {
	case found == nil:
		return &Fault{k.name, fmt.Sprintf("has no key with the ID token's kid %q", claims.KeyID)}
	case kind != "RSA":
		return &Fault{k.name, fmt.Sprintf("has a key of the kind %s under the ID token's kid %q, where Quay needs RSA", kind, claims.KeyID)}
	}
	return k.verify(token, claims, found)
}

func (k Keys) verify(token idtoken.Secret, claims idtoken.Claims, raw json.RawMessage) error {
	key, err := jwk.ParseKey(raw)
	if err != nil {
		return &Fault{k.name, fmt.Sprintf("has a broken key under the ID token's kid %q", claims.KeyID)}
	}
	algorithm, ok := jwa.LookupSignatureAlgorithm(claims.Algorithm)
	if !ok {
		return &Fault{"the ID token", "is signed with " + claims.Algorithm + ", which nothing here knows"}
	}
	if _, err := jws.Verify([]byte(token.Reveal()), jws.WithKey(algorithm, key)); err != nil {
		return &Fault{"the ID token's signature", fmt.Sprintf("does not fit the key %q of %s", claims.KeyID, k.name)}
	}
	return nil
}
