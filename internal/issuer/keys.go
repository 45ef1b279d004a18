// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"bytes"
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

// jsonKey is what is used of a key; only RSA keys are.
type jsonKey struct {
	Kty string          `json:"kty"`
	Kid string          `json:"kid"`
	N   json.RawMessage `json:"n"`
	E   json.RawMessage `json:"e"`
}

// Verify looks for the key of an ID token and checks the signature with it. The
// error is a [*Fault].
func (k Keys) Verify(token idtoken.Token) error {
	var found jsonKey
	for _, raw := range k.raw {
		var key jsonKey
		if json.Unmarshal(raw, &key) != nil || !slices.Contains(known, key.Kty) {
			return &Fault{k.name, fmt.Sprintf("has a key of the kind %q, which Quay cannot read, and so it reads none", key.Kty)}
		}
		if key.Kid != "" && key.Kid == token.KeyID {
			found = key
		}
	}
	switch {
	case found.Kid == "":
		return &Fault{k.name, fmt.Sprintf("has no key with the ID token's kid %q", token.KeyID)}
	case found.Kty != "RSA":
		return &Fault{k.name, fmt.Sprintf("has a key of the kind %s under the ID token's kid %q, where Quay needs RSA", found.Kty, token.KeyID)}
	}
	public, why := found.public()
	if why != "" {
		return &Fault{k.name, fmt.Sprintf("has %s under the ID token's kid %q", why, token.KeyID)}
	}
	return k.verify(token, public)
}

// public is the RSA key, or why it is not used. The length is checked before any
// arithmetic, and nothing but n and e is read: a private part could be longer.
func (k jsonKey) public() (key *rsa.PublicKey, why string) {
	n, err := unsigned(k.N)
	if err != nil || len(n) == 0 {
		return nil, "a broken key"
	}
	e, err := unsigned(k.E)
	if err != nil || len(e) == 0 {
		return nil, "a broken key"
	}
	if bits := 8 * len(n); bits > maxBits {
		return nil, fmt.Sprintf("an RSA key of %d bits, more than the %d that are checked here,", bits, maxBits)
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 { // as crypto/rsa has it
		return nil, "an RSA key with an exponent over 31 bits"
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, ""
}

// unsigned reads a number in base64url (RFC 7518, section 2), with or without padding
// and leading zeros.
func unsigned(raw json.RawMessage) ([]byte, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	number, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	return bytes.TrimLeft(number, "\x00"), err
}

// verify checks a signature by RSASSA-PKCS1-v1_5 (RFC 7518, section 3.3) with the
// algorithms that Quay accepts.
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
