// SPDX-License-Identifier: Apache-2.0

package issuer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
)

// still is a clock on which waiting takes no time.
type still struct{}

func (still) Now() time.Time                                   { return time.Unix(1795345200, 0) }
func (still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// answers is a server that answers each address with the same, and notes which.
type answers struct {
	status   int
	location string
	body     string
	asked    []string
}

func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, request.URL.String())
	if len(request.Header["Authorization"])+len(request.Header["Cookie"]) > 0 {
		return nil, errors.New("a credential was sent")
	}
	response := &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: request}
	if a.location != "" {
		response.Header.Set("Location", a.location)
	}
	return response, nil
}

func (a *answers) client() *endpoint.Client {
	return &endpoint.Client{Transport: a, Clock: still{}, UserAgent: "test"}
}

// why is what a fault says; other errors fail the test.
func why(t testing.TB, err error) string {
	t.Helper()
	var fault *issuer.Fault
	if err != nil && !errors.As(err, &fault) {
		t.Fatalf("%T: %v", err, err)
	}
	if fault == nil {
		return ""
	}
	return fault.Why
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	const url = "https://issuer.example/realms/acme"
	for name, test := range map[string]struct {
		issuer string
		server answers
		want   string
	}{
		"in order":        {url, answers{status: 200, body: `{"issuer":"https://issuer.example/realms/acme","jwks_uri":"https://k.example"}`}, ""},
		"slash in token":  {url + "/", answers{status: 200, body: `{"issuer":"https://issuer.example/realms/acme","jwks_uri":"https://k.example"}`}, ""},
		"slash in issuer": {url, answers{status: 200, body: `{"issuer":"https://issuer.example/realms/acme/","jwks_uri":"https://k.example"}`}, ""},
		"http":            {"http://issuer.example/realms/acme", answers{}, "is not asked for: Quay needs https"},
		"no URL":          {"https://", answers{}, "cannot be asked for: that is no URL"},
		"bad URL":         {"https://[", answers{}, "cannot be asked for: that is no URL"},
		"another issuer":  {url, answers{status: 200, body: `{"issuer":"https://other.example","jwks_uri":"https://k.example"}`}, `names another issuer, "https://other.example"`},
		"no issuer":       {url, answers{status: 200, body: `{"jwks_uri":"https://k.example"}`}, `names another issuer, ""`},
		"no keys":         {url, answers{status: 200, body: `{"issuer":"https://issuer.example/realms/acme"}`}, "names no keys (jwks_uri)"},
		"a list":          {url, answers{status: 200, body: `[]`}, "is no JSON object"},
		"a page":          {url, answers{status: 200, body: `<html>`}, "is no JSON object"},
		"wrong type":      {url, answers{status: 200, body: `{"issuer":7,"jwks_uri":"x"}`}, "is no JSON object"},
		"not there":       {url, answers{status: 404}, "is answered with HTTP 404"},
		"a redirect":      {url, answers{status: 302, location: "https://other.example/"}, `is a redirect to "https://other.example/" (HTTP 302), which Quay follows and this program does not`},
		"no content":      {url, answers{status: 204}, "is answered with HTTP 204"},
	} {
		document, err := issuer.Discover(t.Context(), test.server.client(), test.issuer)
		if got := why(t, err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if test.want == "" && document.KeysURL != "https://k.example" {
			t.Errorf("%s: %+v", name, document)
		}
		for _, asked := range test.server.asked {
			if asked != url+"/.well-known/openid-configuration" {
				t.Errorf("%s: asked %s", name, asked)
			}
		}
	}
}

func TestDiscoverUnreachable(t *testing.T) {
	t.Parallel()
	var unreachable *endpoint.Unreachable
	server := answers{status: 503}
	_, err := issuer.Discover(t.Context(), server.client(), "https://issuer.example")
	if !errors.As(err, &unreachable) || unreachable.Answer() == nil {
		t.Errorf("got %v", err)
	}
}

// private is the key that signs in these tests; making one takes a moment.
var private = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// published is a public key as issuers publish it.
func published(t testing.TB, kid string, key *rsa.PrivateKey) string {
	t.Helper()
	public, err := jwk.Import(&key.PublicKey)
	if err == nil && kid != "" {
		err = public.Set(jwk.KeyIDKey, kid)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signed is an ID token.
func signed(t testing.TB, kid string) idtoken.Secret {
	t.Helper()
	header := jws.NewHeaders()
	if err := header.Set(jws.KeyIDKey, kid); err != nil {
		t.Fatal(err)
	}
	text, err := jws.Sign([]byte(`{"iss":"https://issuer.example"}`), jws.WithKey(jwa.RS256(), private(), jws.WithProtectedHeaders(header)))
	if err != nil {
		t.Fatal(err)
	}
	return idtoken.NewSecret(string(text))
}

// rsaKey is a public key of so many bits, which nobody made.
func rsaKey(bits int, exponent string) string {
	n := bytes.Repeat([]byte{0xff}, bits/8)
	return `{"kty":"RSA","kid":"key-1","n":"` + base64.RawURLEncoding.EncodeToString(n) + `","e":"` + exponent + `"}`
}

func TestVerify(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const ec = `{"kty":"EC","kid":"key-1","crv":"P-256","x":"AA","y":"AA"}`
	token, err := idtoken.ParseToken(signed(t, "key-1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ keys, want string }{
		"its key":         {published(t, "key-1", private()), ""},
		"among others":    {published(t, "key-0", other) + "," + strings.Replace(ec, "key-1", "key-2", 1) + "," + published(t, "key-1", private()), ""},
		"none":            {"", `has no key with the ID token's kid "key-1"`},
		"another kid":     {published(t, "key-2", private()), `has no key with the ID token's kid "key-1"`},
		"no kid":          {published(t, "", private()), `has no key with the ID token's kid "key-1"`},
		"elliptic":        {ec, `has a key of the kind EC under the ID token's kid "key-1", where Quay needs RSA`},
		"an odd one too":  {published(t, "key-1", private()) + `,{"kty":"XYZ"}`, `has a key of the kind "XYZ", which Quay cannot read, and so it reads none`},
		"no kind":         {`{"kid":"key-1"}`, `has a key of the kind "", which Quay cannot read, and so it reads none`},
		"no object":       {`7`, `has a key of the kind "", which Quay cannot read, and so it reads none`},
		"broken":          {`{"kty":"RSA","kid":"key-1","n":"","e":"?"}`, `has a broken key under the ID token's kid "key-1"`},
		"a number for n":  {`{"kty":"RSA","kid":"key-1","n":7,"e":"AQAB"}`, `has a broken key under the ID token's kid "key-1"`},
		"no e":            {`{"kty":"RSA","kid":"key-1","n":"AQAB"}`, `has a broken key under the ID token's kid "key-1"`},
		"no n":            {`{"kty":"RSA","kid":"key-1","e":"AQAB"}`, `has a broken key under the ID token's kid "key-1"`},
		"zero":            {`{"kty":"RSA","kid":"key-1","n":"AAAA","e":"AQAB"}`, `has a broken key under the ID token's kid "key-1"`},
		"padded":          {strings.NewReplacer(`"e":"AQAB"`, `"e":"AAEAAQ=="`).Replace(published(t, "key-1", private())), ""},
		"16,384 bits":     {rsaKey(16384, "AQAB"), `does not fit the key "key-1" of the list of keys at https://k.example`},
		"16,392 bits":     {rsaKey(16392, "AQAB"), `has an RSA key of 16392 bits, more than the 16384 that are checked here, under the ID token's kid "key-1"`},
		"a million bits":  {rsaKey(1<<20, "AQAB"), `has an RSA key of 1048576 bits, more than the 16384 that are checked here, under the ID token's kid "key-1"`},
		"long exponent":   {rsaKey(16384, strings.Repeat("B", 1<<18)), `has an RSA key with an exponent over 31 bits under the ID token's kid "key-1"`},
		"private, longer": {strings.Replace(published(t, "key-1", private()), "{", `{"d":"`+strings.Repeat("B", 1<<18)+`","p":"`+strings.Repeat("B", 1<<18)+`",`, 1), ""},
		"somebody else's": {published(t, "key-1", other), `does not fit the key "key-1" of the list of keys at https://k.example`},
	} {
		server := answers{status: 200, body: `{"keys":[` + test.keys + `]}`}
		keys, err := issuer.FetchKeys(t.Context(), server.client(), issuer.Document{KeysURL: "https://k.example"})
		if err == nil {
			err = keys.Verify(token)
		}
		if got := why(t, err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	token.Algorithm = "RS000"
	server := answers{status: 200, body: `{"keys":[` + published(t, "key-1", private()) + `]}`}
	keys, err := issuer.FetchKeys(t.Context(), server.client(), issuer.Document{KeysURL: "https://k.example"})
	if err != nil || keys.Len() != 1 {
		t.Fatalf("%d keys, %v", keys.Len(), err)
	}
	if got := why(t, keys.Verify(token)); got != "is signed with RS000, which nothing here knows" {
		t.Errorf("got %q", got)
	}
}

func TestFetchKeys(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"keys":[]}`: "", `{}`: "is no JSON object with keys", `[]`: "is no JSON object with keys", `<html>`: "is no JSON object with keys",
		`{"keys":[` + strings.Repeat("{},", 999) + `{}]}`: "", `{"keys":[` + strings.Repeat("{},", 1000) + `{}]}`: "has 1001 keys, more than the 1000 that are checked here",
		`{"keys":{}}`: "is no JSON object with keys", `{"keys":null}`: "is no JSON object with keys",
	} {
		server := answers{status: 200, body: body}
		_, err := issuer.FetchKeys(t.Context(), server.client(), issuer.Document{KeysURL: "https://k.example"})
		if got := why(t, err); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// FuzzKeys feeds what an issuer may publish: nothing of it does harm, and only
// the right key verifies.
func FuzzKeys(f *testing.F) {
	token, err := idtoken.ParseToken(signed(f, "key-1"))
	if err != nil {
		f.Fatal(err)
	}
	right := published(f, "key-1", private())
	f.Add(`{"keys":[` + right + `]}`)
	f.Add(`{"keys":[{"kty":"RSA","kid":"key-1","n":"AQAB","e":"AQAB"}]}`)
	f.Add(`{"keys":[` + rsaKey(1<<14+8, "AQAB") + `]}`)
	f.Add(`{"keys":[` + rsaKey(2048, "Ag") + `]}`)
	f.Add(`{"keys":[{"kty":"oct","kid":"key-1","k":"AA"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		server := answers{status: 200, body: body}
		keys, err := issuer.FetchKeys(t.Context(), server.client(), issuer.Document{KeysURL: "https://k.example"})
		var unbelievable *endpoint.Unbelievable
		if errors.As(err, &unbelievable) || why(t, err) != "" {
			return
		}
		if keys.Verify(token) == nil && !strings.Contains(body, "RSA") {
			t.Errorf("%s verified", body)
		}
	})
}
