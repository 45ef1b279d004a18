// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// Keys are the signing keys of a sandbox. Each is made when it is first needed.
// All issuers sign with one RSA key under different key ids.
type Keys struct {
	quay, issuer, other func() *rsa.PrivateKey
	ec                  func() *ecdsa.PrivateKey
}

// NewKeys returns keys that no other Keys has.
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

// Quay is the key of Quay itself.
func (k *Keys) Quay() *rsa.PrivateKey { return k.quay() }

// Issuer is the RSA key of all issuers.
func (k *Keys) Issuer() *rsa.PrivateKey { return k.issuer() }

// EC is the elliptic key of all issuers.
func (k *Keys) EC() *ecdsa.PrivateKey { return k.ec() }

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return key
}

// must is for what fails only with a broken source of randomness.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
