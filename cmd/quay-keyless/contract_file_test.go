// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/sandbox"
)

// contractFile is what testdata/contract/README.md describes.
type contractFile struct {
	Release                string   `yaml:"release"`
	CACertificate          string   `yaml:"ca_certificate"`
	Robot                  string   `yaml:"robot"`
	RobotWithoutFederation string   `yaml:"robot_without_federation"`
	Subject                string   `yaml:"subject"`
	Audience               string   `yaml:"audience"`
	Issuers                string   `yaml:"issuers"`
	Modes                  []string `yaml:"modes"`
	States                 []string `yaml:"states"`
	KeyID                  string   `yaml:"kid"`
	Key                    string   `yaml:"key"`
	Repositories           struct {
		Writable string `yaml:"writable"`
		Readable string `yaml:"readable"`
	} `yaml:"repositories"`
}

// fileQuay is the Quay at a URL, as a file describes it.
func fileQuay(t *testing.T, url, path string, now func() time.Time) *contractQuay {
	t.Helper()
	var file contractFile
	decoder := yaml.NewDecoder(bytes.NewReader(mustRead(t, path)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if !slices.Contains(releases, file.Release) {
		t.Fatalf("%s: the release %q is none of %v", path, file.Release, releases)
	}
	host, isHTTPS := strings.CutPrefix(strings.TrimSuffix(url, "/"), "https://")
	if !isHTTPS {
		t.Fatalf("%s: only https", url)
	}
	q := &contractQuay{
		release: file.Release, host: host,
		names: newNames(map[string]string{
			"<quay>": host, "<issuers>": strings.TrimSuffix(file.Issuers, "/"), "<robot>": file.Robot,
			"<robot without federation>": file.RobotWithoutFederation, "<subject>": file.Subject, "<audience>": file.Audience,
			"<writable repository>": file.Repositories.Writable, "<readable repository>": file.Repositories.Readable,
		}),
		modes:  append([]string{"good"}, file.Modes...),
		states: file.States,
		issuer: func(mode string) string { return strings.TrimSuffix(file.Issuers, "/") + "/" + mode },
		mint:   newSigner(t, file, now).mint,
		now:    now,
	}
	if file.CACertificate != "" {
		q.ca = string(mustRead(t, file.CACertificate))
	}
	return q
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signer mints ID tokens for issuers that are not the sandbox's.
type signer struct {
	file       contractFile
	now        func() time.Time
	key, other *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
}

func newSigner(t *testing.T, file contractFile, now func() time.Time) *signer {
	t.Helper()
	block, _ := pem.Decode(mustRead(t, file.Key))
	if block == nil {
		t.Fatalf("%s: no PEM", file.Key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", file.Key, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("%s: no RSA key", file.Key)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{file: file, now: now, key: key, other: other, ec: ec}
}

// mint signs the token that is described.
func (s *signer) mint(token sandbox.Token) (string, error) {
	algorithm := token.Alg
	if algorithm == "" {
		algorithm = "RS256"
	}
	now := s.now().Unix()
	header := changed(map[string]any{"typ": "JWT", "alg": algorithm, "kid": s.file.KeyID}, token.Header)
	claims := changed(map[string]any{
		"iss": token.Issuer, "sub": s.file.Subject, "aud": s.file.Audience,
		"iat": now, "nbf": now, "exp": now + 300, "jti": rand.Text(),
	}, token.Claims)
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	signed := strings.Join(parts, ".")
	signature, err := s.sign(algorithm, signed, token.OtherKey)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// changed sets some values to others, nil for none.
func changed(base, changes map[string]any) map[string]any {
	maps.Copy(base, changes)
	maps.DeleteFunc(base, func(_ string, value any) bool { return value == nil })
	return base
}

func (s *signer) sign(name, text string, otherKey bool) ([]byte, error) {
	var key any = s.key
	switch {
	case name == "none":
		return nil, nil
	case strings.HasPrefix(name, "ES"):
		key = s.ec
	case strings.HasPrefix(name, "HS"):
		key = []byte(strings.Repeat("not a secret ", 8))
	case otherKey:
		key = s.other
	}
	algorithm, ok := jwa.LookupSignatureAlgorithm(name)
	if !ok {
		return nil, fmt.Errorf("unknown algorithm %q", name)
	}
	signer, err := jws.SignerFor(algorithm)
	if err != nil {
		return nil, err
	}
	return signer.Sign(key, []byte(text))
}
