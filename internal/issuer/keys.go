// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// Limits on what an issuer publishes, far above every real one. A signature of an RSA
// key of a million bits takes a minute to check, and no context ends that.
const (
	maxKeys = 1000
	maxBits = 16384
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
	switch {
	case json.Unmarshal(body, &set) != nil || set.Keys == nil:
		return keys, &Fault{keys.name, "is no JSON object with keys"}
	case len(set.Keys) > maxKeys:
		return keys, &Fault{keys.name, fmt.Sprintf("has %d keys, more than the %d that are checked here", len(set.Keys), maxKeys)}
	}
	keys.raw = set.Keys
	return keys, nil
}

// Len is how many keys there are.
func (k Keys) Len() int { return len(k.raw) }

// known are the kinds of keys that Quay's library can read. It rejects a list with any
// other.
var known = []string{"RSA", "EC", "oct", "OKP"}

// key is what is used of a key; only RSA keys are. A private part is never read, because
// it could be longer.
type key struct{ Kty, Kid, N, E string }

// Verify looks for the key of an ID token and checks the signature with it. The
// error is a [*Fault].
func (k Keys) Verify(token idtoken.Token) error {
	var found key
	for _, raw := range k.raw {
		var key key
		_ = json.Unmarshal(raw, &key) // leaves out what is not a text
		if !slices.Contains(known, key.Kty) {
			return &Fault{k.name, fmt.Sprintf("has a key of the kind %q, which Quay cannot read, and so it reads none", key.Kty)}
		}
		if key.Kid != "" && key.Kid == token.KeyID {
			found = key
		}
	}
	why := ""
	n, e := number(found.N), number(found.E)
	switch {
	case found.Kid == "":
		return &Fault{k.name, fmt.Sprintf("has no key with the ID token's kid %q", token.KeyID)}
	case found.Kty != "RSA":
		return &Fault{k.name, fmt.Sprintf("has a key of the kind %s under the ID token's kid %q, where Quay needs RSA", found.Kty, token.KeyID)}
	case n.Sign() == 0 || e.Sign() == 0:
		why = "a broken key"
	case n.BitLen() > maxBits:
		why = fmt.Sprintf("an RSA key of %d bits, more than the %d that are checked here,", n.BitLen(), maxBits)
	case e.BitLen() > 31: // the most that crypto/rsa accepts
		why = "an RSA key with an exponent over 31 bits"
	}
	if why != "" {
		return &Fault{k.name, fmt.Sprintf("has %s under the ID token's kid %q", why, token.KeyID)}
	}
	return k.verify(token, &rsa.PublicKey{N: n, E: int(e.Int64())})
}

// number reads base64url (RFC 7518, section 2), with or without padding; 0 if it cannot.
func number(text string) *big.Int {
	bytes, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(bytes)
}

func (k Keys) verify(token idtoken.Token, key *rsa.PublicKey) error {
	dot := strings.LastIndexByte(token.Reveal(), '.') // a parsed token has one
	signed, encoded := token.Reveal()[:dot], token.Reveal()[dot+1:]
	var hash crypto.Hash
	var digest []byte
	switch token.Algorithm {
	case "RS256":
		sum := sha256.Sum256([]byte(signed))
		hash, digest = crypto.SHA256, sum[:]
	case "RS384":
		sum := sha512.Sum384([]byte(signed))
		hash, digest = crypto.SHA384, sum[:]
	default:
		return &Fault{"the ID token", "is signed with " + token.Algorithm + ", which nothing here knows"}
	}
	signature, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || rsa.VerifyPKCS1v15(key, hash, digest, signature) != nil {
		return &Fault{"the ID token's signature", fmt.Sprintf("does not fit the key %q of %s", token.KeyID, k.name)}
	}
	return nil
}
