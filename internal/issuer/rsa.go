// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"

	"quay-keyless/internal/idtoken"
)

// algorithm is a way to sign with an RSA key.
type algorithm struct {
	hash crypto.Hash
	pss  bool
}

// algorithms are all of them (RFC 7518, section 3.1). Quay takes the first two.
var algorithms = map[string]algorithm{
	"RS256": {hash: crypto.SHA256}, "RS384": {hash: crypto.SHA384}, "RS512": {hash: crypto.SHA512},
	"PS256": {hash: crypto.SHA256, pss: true}, "PS384": {hash: crypto.SHA384, pss: true}, "PS512": {hash: crypto.SHA512, pss: true},
}

// verify checks the signature of a JWT in compact form (RFC 7515, section 5.2).
func (a algorithm) verify(token idtoken.Secret, key *rsa.PublicKey) error {
	text := token.Reveal()
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return errors.New("no JWT")
	}
	signature, err := base64.RawURLEncoding.DecodeString(text[dot+1:])
	if err != nil {
		return err
	}
	hash := a.hash.New()
	_, _ = hash.Write([]byte(text[:dot]))
	if a.pss {
		return rsa.VerifyPSS(key, a.hash, hash.Sum(nil), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	return rsa.VerifyPKCS1v15(key, a.hash, hash.Sum(nil), signature)
}

// rsaKey reads a public key (RFC 7518, section 6.3.1). What makes no sense as one
// is left to crypto/rsa, which refuses it when it is used.
func rsaKey(raw json.RawMessage) (*rsa.PublicKey, error) {
	var key struct {
		N string `json:"n"`
		E string `json:"e"`
	}
	if err := json.Unmarshal(raw, &key); err != nil {
		return nil, err
	}
	modulus, err := number(key.N)
	if err != nil {
		return nil, err
	}
	exponent, err := number(key.E)
	if err != nil {
		return nil, err
	}
	const most = 31 // bits, in crypto/rsa
	if exponent.BitLen() > most {
		return nil, errors.New("exponent too large")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

// number reads a Base64urlUInt (RFC 7518, section 2).
func number(text string) (*big.Int, error) {
	octets, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err == nil && len(octets) == 0 {
		err = errors.New("empty")
	}
	return new(big.Int).SetBytes(octets), err
}
