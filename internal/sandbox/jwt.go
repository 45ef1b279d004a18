// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// Keys are the signing keys of a sandbox, each made when it is first needed.
// All issuers sign with one RSA key under key ids of their own.
type Keys struct {
	quay, issuer, other func() *rsa.PrivateKey
	ec                  func() *ecdsa.PrivateKey
}

// NewKeys gives keys that no other Keys has.
func NewKeys() *Keys {
	return &Keys{
		quay: sync.OnceValue(newRSA), issuer: sync.OnceValue(newRSA), other: sync.OnceValue(newRSA),
		ec: sync.OnceValue(func() *ecdsa.PrivateKey {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			must(err)
			return key
		}),
	}
}

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return key
}

// must is for what cannot fail, but for a broken source of randomness.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// token is a JWT taken apart, not verified.
type token struct {
	header, claims map[string]any
	signed         string // the first two segments
	signature      []byte
}

var errNoJWT = errors.New("not a JWT")

// parseToken takes a JWT apart as Quay's library does: header and payload must
// be JSON objects, while the signature's base64 is read leniently, which is
// why one trailing newline is fatal or harmless by the length of the key.
func parseToken(raw string) (*token, error) {
	signed, last, ok := cutLast(raw, ".")
	first, middle, ok2 := strings.Cut(signed, ".")
	if !ok || !ok2 {
		return nil, errNoJWT
	}
	t := &token{signed: signed}
	for _, part := range []struct {
		segment string
		into    *map[string]any
	}{{first, &t.header}, {middle, &t.claims}} {
		text, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(part.segment, "="))
		if err != nil || strings.ContainsAny(part.segment, "\r\n") {
			return nil, errNoJWT
		}
		if json.Unmarshal(text, part.into) != nil || *part.into == nil {
			return nil, errNoJWT
		}
	}
	padded := strings.NewReplacer("-", "+", "_", "/").Replace(last) + strings.Repeat("=", (4-len(last)%4)%4)
	signature, err := lenientBase64(padded)
	if err != nil {
		return nil, errNoJWT
	}
	t.signature = signature
	return t, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func (t *token) alg() string {
	alg, _ := t.header["alg"].(string)
	return alg
}

// verify checks the signature with an algorithm of the RSA family.
func (t *token) verify(key *rsa.PublicKey) error {
	alg, ok := jwa.LookupSignatureAlgorithm(t.alg())
	if !ok {
		return fmt.Errorf("algorithm %q", t.alg())
	}
	verifier, err := jws.VerifierFor(alg)
	if err != nil {
		return err
	}
	return verifier.Verify(key, []byte(t.signed), t.signature)
}

// sign makes a JWT of any header and claims, right or wrong ones; "none" has
// no signature.
func sign(header, claims map[string]any, alg string, key any) (string, error) {
	var segments []string
	for _, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		segments = append(segments, base64.RawURLEncoding.EncodeToString(text))
	}
	signed := strings.Join(segments, ".")
	if alg == "none" {
		return signed + ".", nil
	}
	algorithm, ok := jwa.LookupSignatureAlgorithm(alg)
	if !ok {
		return "", fmt.Errorf("unknown algorithm %q", alg)
	}
	signer, err := jws.SignerFor(algorithm)
	if err != nil {
		return "", err
	}
	signature, err := signer.Sign(key, []byte(signed))
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

var errPadding = errors.New("incorrect padding")

// lenientBase64 decodes as Python does without validation: what is not of the
// alphabet is passed over, the text ends where its padding is complete, and
// only a group that stays incomplete is an error.
func lenientBase64(text string) ([]byte, error) {
	var group strings.Builder
	pads := 0
	for _, c := range []byte(text) {
		switch {
		case c == '=':
			if pads++; group.Len()%4 >= 2 && group.Len()%4+pads >= 4 {
				return base64.RawStdEncoding.DecodeString(group.String())
			}
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			group.WriteByte(c)
			pads = 0
		}
	}
	if group.Len()%4 != 0 {
		return nil, errPadding
	}
	return base64.RawStdEncoding.DecodeString(group.String())
}
