// SPDX-License-Identifier: Apache-2.0

// Package jwt makes and parses JSON Web Tokens, right and wrong ones, as
// Quay reads them.
package jwt

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// Token is a parsed JWT, not verified.
type Token struct {
	Header, Claims map[string]any
	signed         string // the first two segments
	signature      []byte
}

var errNoJWT = errors.New("not a JWT")

// Parse reads a JWT as Quay's library does: header and payload must
// be JSON objects, while the signature's base64 is read leniently, which is
// why one trailing newline is fatal or harmless by the length of the key.
func Parse(raw string) (*Token, error) {
	signed, last, ok := cutLast(raw, ".")
	first, middle, ok2 := strings.Cut(signed, ".")
	if !ok || !ok2 {
		return nil, errNoJWT
	}
	t := &Token{signed: signed}
	for _, part := range []struct {
		segment string
		into    *map[string]any
	}{{first, &t.Header}, {middle, &t.Claims}} {
		text, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(part.segment, "="))
		if err != nil || strings.ContainsAny(part.segment, "\r\n") {
			return nil, errNoJWT
		}
		if json.Unmarshal(text, part.into) != nil || *part.into == nil {
			return nil, errNoJWT
		}
	}
	padded := strings.NewReplacer("-", "+", "_", "/").Replace(last) + strings.Repeat("=", (4-len(last)%4)%4)
	signature, err := LenientBase64(padded)
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

// Alg is the algorithm that the header names, "" if none.
func (t *Token) Alg() string {
	alg, _ := t.Header["alg"].(string)
	return alg
}

// Verify checks the signature with an algorithm of the RSA family.
func (t *Token) Verify(key *rsa.PublicKey) error {
	alg, ok := jwa.LookupSignatureAlgorithm(t.Alg())
	if !ok {
		return fmt.Errorf("algorithm %q", t.Alg())
	}
	verifier, err := jws.VerifierFor(alg)
	if err != nil {
		return err
	}
	return verifier.Verify(key, []byte(t.signed), t.signature)
}

// Sign makes a JWT of any header and claims, right or wrong ones; "none" has
// no signature.
func Sign(header, claims map[string]any, alg string, key any) (string, error) {
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

// LenientBase64 decodes as Python does without validation: what is not of the
// alphabet is passed over, the text ends where its padding is complete, and
// only a group that stays incomplete is an error.
func LenientBase64(text string) ([]byte, error) {
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
