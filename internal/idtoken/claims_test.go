// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"quay-keyless/internal/idtoken"
)

func TestParseClaims(t *testing.T) {
	t.Parallel()
	at := time.Unix(1795334400, 0)
	none := object{"alg": "none"}
	tests := []struct {
		name            string
		header, payload any
		want            idtoken.Claims
	}{
		{"GitHub", rs256, object{"iss": "https://i.example", "sub": "repo:acme/app:pull_request", "aud": "quay", "exp": 1795334400, "iat": 1795334400},
			idtoken.Claims{Issuer: "https://i.example", Subject: "repo:acme/app:pull_request", Audience: []string{"quay"}, Expiry: at, IssuedAt: at, Algorithm: "RS256", KeyID: "key-1"}},
		{"Kubernetes", rs256, object{"aud": []string{"quay", "other"}}, idtoken.Claims{Audience: []string{"quay", "other"}, Algorithm: "RS256", KeyID: "key-1"}},
		{"no claims", none, object{}, idtoken.Claims{Algorithm: "none"}},
		{"nulls", none, `{"iss":null,"sub":null,"aud":null,"exp":null,"iat":null}`, idtoken.Claims{Algorithm: "none"}},
		{"wrong types", none, `{"iss":1,"sub":["s"],"aud":{"a":1},"exp":"soon","iat":[]}`, idtoken.Claims{Algorithm: "none"}},
		{"audiences of two types", none, `{"aud":["quay",1]}`, idtoken.Claims{Algorithm: "none"}},
		{"fraction of a second", none, `{"exp":1795334400.5}`, idtoken.Claims{Algorithm: "none", Expiry: at.Add(time.Second / 2)}},
		{"epoch", none, `{"exp":0}`, idtoken.Claims{Algorithm: "none", Expiry: time.Unix(0, 0)}},
		{"before 1970", none, `{"exp":-1}`, idtoken.Claims{Algorithm: "none"}},
		{"after 9999", none, `{"exp":1e300}`, idtoken.Claims{Algorithm: "none"}},
		{"in milliseconds", none, `{"exp":1795334400000}`, idtoken.Claims{Algorithm: "none"}},
		{"ES256", object{"alg": "ES256"}, object{}, idtoken.Claims{Algorithm: "ES256"}},
	}
	for _, test := range tests {
		got, err := idtoken.ParseToken(idtoken.NewSecret(jwt(t, test.header, test.payload)))
		if err != nil || !reflect.DeepEqual(got.Claims, test.want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", test.name, got.Claims, err, test.want)
		}
	}
}

func TestParseClaimsOfNoJWT(t *testing.T) {
	t.Parallel()
	token := good(t)
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for name, text := range map[string]string{
		"nothing":           "",
		"words":             "not a token",
		"static token":      "3NPD0RBWFFWQV7JZ7Q3M4Y8K0J5H1T2X",
		"two parts":         header + "." + payload,
		"four parts":        token + "." + signature,
		"empty parts":       "..",
		"text parts":        "a.b.c",
		"Bearer":            "Bearer " + token,
		"padded":            header + "==." + payload + "." + signature,
		"payload a list":    jwt(t, rs256, `["iss"]`),
		"payload a string":  jwt(t, rs256, `"iss"`),
		"payload null":      jwt(t, rs256, `null`),
		"payload truncated": jwt(t, rs256, `{"iss":`),
		"payload empty":     jwt(t, rs256, ``),
		"header a list":     jwt(t, `[]`, object{}),
		"NUL":               token + "\x00",
		"newline":           token + "\n",
		"newline inside":    header + "." + payload + ".\n" + signature,
		"line break inside": header + "." + payload[:9] + "\r\n" + payload[9:] + "." + signature,
		"space":             token + " ",
		"space before":      " " + token,
		"byte order mark":   "\ufeff" + token,
	} {
		if claims, err := idtoken.ParseToken(idtoken.NewSecret(text)); problem(err) != idtoken.NotJWT {
			t.Errorf("%s: got %+v, %v", name, claims, err)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	got, err := idtoken.Payload(idtoken.NewSecret(jwt(t, rs256, `{"access":[]}`)))
	if string(got) != `{"access":[]}` || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := idtoken.Payload(idtoken.NewSecret("words")); problem(err) != idtoken.NotJWT {
		t.Errorf("got %v", err)
	}
}

// FuzzParseClaims feeds whole tokens and the parts of one.
func FuzzParseClaims(f *testing.F) {
	f.Add(good(f), "https://issuer.example", "repo:acme/app:ref:refs/heads/main", "quay", int64(1795334400))
	f.Add("a.b.c", "", "", "", int64(-1))
	f.Add(jwt(f, `{"alg":"RS256","kid":7}`, `{"exp":1e999}`), "\x00", "é", "\u202e", int64(1)<<62)
	f.Add(jwt(f, `{"alg":7}`, `{"exp":0.1}`), "{}", "[]", "null", int64(253402300799))
	f.Fuzz(func(t *testing.T, token, issuer, subject, audience string, expiry int64) {
		if claims, err := idtoken.ParseToken(idtoken.NewSecret(token)); err == nil {
			sane(t, claims.Claims)
		} else if problem(err) != idtoken.NotJWT {
			t.Errorf("got %v", err)
		}
		for _, text := range []string{issuer, subject, audience} {
			if !utf8.ValidString(text) {
				return // JSON cannot carry it
			}
		}
		payload, err := json.Marshal(object{"iss": issuer, "sub": subject, "aud": []string{audience}, "exp": expiry})
		if err != nil {
			t.Fatal(err)
		}
		claims, err := idtoken.ParseToken(idtoken.NewSecret(jwt(t, rs256, string(payload))))
		if err != nil {
			t.Fatal(err)
		}
		if claims.Issuer != issuer || claims.Subject != subject || !reflect.DeepEqual(claims.Audience, []string{audience}) {
			t.Errorf("%s became %+v", payload, claims)
		}
		if sensible := expiry >= 0 && expiry <= 253402300799; sensible != !claims.Expiry.IsZero() || sensible && claims.Expiry.Unix() != expiry {
			t.Errorf("exp %d became %v", expiry, claims.Expiry)
		}
		sane(t, claims.Claims)
	})
}

// sane times can be printed and encoded.
func sane(t *testing.T, claims idtoken.Claims) {
	t.Helper()
	for _, at := range []time.Time{claims.Expiry, claims.IssuedAt} {
		if _, err := json.Marshal(at.UTC()); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
}
