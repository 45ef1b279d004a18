// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox/platform"
)

const (
	htmlPage = "Internal Server Error"
	accepted = ""
)

// message gives what an exchange was answered: its message or error, the title
// words of a page, or accepted for a token.
func message(t *testing.T, r reply) string {
	t.Helper()
	switch {
	case r.status == http.StatusOK:
		return accepted
	case strings.Contains(r.body, "<title>"+htmlPage):
		return htmlPage
	}
	var body struct{ Message, Error string }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return body.Message + body.Error
}

// Refusals that testdata/quay/replies.json does not have.
func TestRefusalsOfTokens(t *testing.T) {
	type claims = map[string]any
	tests := []struct {
		name      string
		token     Token
		want, old string // of 3.18, and of 3.16.2 where it is another
	}{
		{"right audience", Token{}, accepted, accepted},
		{"audience among several", Token{Audience: []string{"a", "quay"}}, accepted, accepted},
		{"other audience", Token{Audience: []string{"sigstore"}}, "Invalid token: Audience doesn't match", accepted},
		{"no audience", Token{Claims: claims{"aud": nil}}, `Invalid token: Token is missing the "aud" claim`, accepted},
		{"empty audience", Token{Claims: claims{"aud": ""}}, `Invalid token: Token is missing the "aud" claim`, accepted},
		{"numeric audience", Token{Claims: claims{"aud": 7}}, "Invalid token: Invalid claim format in token", accepted},
		{"empty issuer", Token{Claims: claims{"iss": ""}}, "Token does not contain issuer", "Token does not contain issuer"},
		{"empty subject", Token{Claims: claims{"sub": ""}}, "Token does not match robot", "Token does not match robot"},
		{"subject in other case", Token{Subject: "repo:Acme/app:ref:refs/heads/main"}, "Token does not match robot", "Token does not match robot"},
		{"numeric jti", Token{Claims: claims{"jti": 7}}, "Invalid token: JWT ID must be a string", accepted},
		{"crit", Token{Header: claims{"crit": []string{"exp"}}}, htmlPage, accepted},
		{"numeric kid", Token{Header: claims{"kid": 7}}, htmlPage, "Invalid token: Key ID header parameter must be a string"},
		{"null iat", Token{Claims: claims{"iat": json.RawMessage("null")}}, `Invalid token: Token is missing the "iat" claim`, `Invalid token: Token is missing the "iat" claim`},
		{"nbf not a number", Token{Claims: claims{"nbf": "soon"}}, accepted, accepted},
		{"iat and exp missing", Token{Claims: claims{"iat": nil, "exp": nil}}, `Invalid token: Token is missing the "iat" claim`, `Invalid token: Token is missing the "iat" claim`},
	}
	for _, release := range []string{"3.18", "3.16.2"} {
		sb := start(t, Config{Release: release})
		for _, test := range tests {
			want := test.want
			if release == "3.16.2" {
				want = test.old
			}
			got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", mint(t, sb, test.token)))
			if said := message(t, got); said != want {
				t.Errorf("%s, %s: %q, want %q", release, test.name, said, want)
			}
		}
	}
}

func TestOfSeveralFaultsQuayTellsOne(t *testing.T) {
	sb := start(t, Config{})
	old, ahead := sb.Now().Unix()-600, sb.Now().Unix()+600
	steps := []struct {
		want   string
		mended func(*Token)
	}{
		{"issuer https://example.com not configured for this robot", func(token *Token) { delete(token.Claims, "iss") }},
		{"Invalid token: Missing `kid` header", func(token *Token) { token.Header = nil }},
		{"Invalid token: Signature verification failed", func(token *Token) { token.OtherKey = false }},
		{`Invalid token: Token is missing the "iat" claim`, func(token *Token) { token.Claims["iat"] = ahead }},
		{"Invalid token: Issued At claim (iat) cannot be in the future.", func(token *Token) { delete(token.Claims, "iat") }},
		{"Invalid token: Signature has expired", func(token *Token) { delete(token.Claims, "exp") }},
		{"Invalid token: Audience doesn't match", func(token *Token) { token.Audience = nil }},
		{"Token does not match robot", func(token *Token) { token.Subject = "" }},
		{accepted, func(*Token) {}},
	}
	everything := Token{
		OtherKey: true, Subject: "nobody", Audience: []string{"other"}, Header: map[string]any{"kid": nil},
		Claims: map[string]any{"iss": "https://example.com", "iat": nil, "exp": old},
	}
	for _, step := range steps {
		got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", mint(t, sb, everything)))
		if said := message(t, got); said != step.want {
			t.Fatalf("%q, want %q", said, step.want)
		}
		step.mended(&everything)
	}
}

func TestAuthorizationHeader(t *testing.T) {
	sb := start(t, Config{})
	for header, want := range map[string]string{
		"":                           "No auth header",
		"Token abc":                  "Invalid basic auth header",
		"Basic a b":                  "Invalid basic auth header",
		"Basic":                      "Invalid basic auth header",
		"Basic /////w==":             "Could not parse basic auth header",
		"Basic !!!":                  "Unexpected number of credentials found in basic auth header",
		"Basic OmE=":                 "Invalid robot",                                // :a
		"Basic JG9hdXRodG9rZW46YQ==": "Invalid robot",                                // $oauthtoken:a
		"Basic YWNtZSs6YQ==":         "Could not find robot with specified username", // acme+:a
		"Basic QWNtZStjaTph":         "Could not find robot with specified username", // Acme+ci:a
		"bAsIc YWNtZStjaTph":         htmlPage,                                       // acme+ci:a
	} {
		got := mustAsk(t, sb, "GET", exchangePath, authorization(header))
		if said := message(t, got); said != want {
			t.Errorf("%q: %q, want %q", header, said, want)
		}
		if got.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%q: has a WWW-Authenticate, which Quay does not send here", header)
		}
	}
}

func TestMalformedPasswords(t *testing.T) {
	sb := start(t, Config{})
	good := mint(t, sb, Token{})
	parts := strings.Split(good, ".")
	for name, password := range map[string]string{
		"two segments": parts[0] + "." + parts[1], "five": good + ".a.b", "letters": "a.b.c",
		"leading space": " " + good, "trailing newline": good + "\n", "prefix": "Bearer " + good,
		"not ASCII": "pässwörd", "payload a list": parts[0] + ".W10." + parts[2], "payload null": parts[0] + ".bnVsbA." + parts[2],
	} {
		if said := message(t, mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", password))); said != htmlPage {
			t.Errorf("%s: %q, want a 500 page", name, said)
		}
	}
	for name, signature := range map[string]string{"empty": "", "undecodable": "!!!!"} {
		want := "Invalid token: Signature verification failed"
		if said := message(t, mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", parts[0]+"."+parts[1]+"."+signature))); said != want {
			t.Errorf("%s signature: %q, want %q", name, said, want)
		}
	}
}

func TestAudiencesBelongToTheIssuer(t *testing.T) {
	subject := platform.DefaultSubject("github")
	entry := func(subject string, audiences ...string) Entry {
		return Entry{Issuer: "${SELF}/issuers/github", Subject: subject, Audiences: audiences}
	}
	sb := start(t, Config{Robots: []Robot{
		{Name: "acme+last", Federation: []Entry{entry(subject), entry("other", "first"), entry("third", "last"), entry("fourth")}},
		{Name: "acme+open", Federation: []Entry{entry(subject)}},
		{Name: "acme+broken", Federation: []Entry{{Issuer: "github", Subject: subject, BrokenAudiences: true}}},
	}})
	for _, test := range []struct{ robot, audience, want string }{
		{"acme+last", "last", accepted},
		{"acme+last", "first", "Invalid token: Audience doesn't match"},
		{"acme+open", "anything", accepted},
		{"acme+broken", "anything", htmlPage},
	} {
		token := mint(t, sb, Token{Audience: []string{test.audience}})
		if said := message(t, mustAsk(t, sb, "GET", exchangePath, basic(test.robot, token))); said != test.want {
			t.Errorf("%s, audience %s: %q, want %q", test.robot, test.audience, said, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	old := start(t, Config{Release: "3.12"})
	if r := mustAsk(t, old, "GET", exchangePath); r.status != 308 || r.header.Get("Location") != exchangePath+"/" {
		t.Errorf("before 3.13: %d to %q", r.status, r.header.Get("Location"))
	}
	if r := mustAsk(t, old, "GET", exchangePath+"/"); r.status != 404 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Errorf("trailing slash: %d %s", r.status, r.header.Get("Content-Type"))
	}
	sb := start(t, Config{})
	if r := mustAsk(t, sb, "GET", "/"+exchangePath+"?a=b"); r.status != 401 || message(t, r) != "No auth header" {
		t.Errorf("doubled leading slash: %d %s", r.status, r.body)
	}
}
