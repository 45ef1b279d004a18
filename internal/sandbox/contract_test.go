// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox/platform"
)

// recorded is one answer of testdata/quay/replies.json, written down from a
// real Quay. Status is a number, or "EXC" for a connection that was closed.
type recorded struct {
	Status      any               `json:"status"`
	ContentType string            `json:"content_type"`
	Body        string            `json:"body"`
	Headers     map[string]string `json:"headers"`
}

func readReplies(t *testing.T) map[string]map[string]recorded {
	t.Helper()
	text, err := os.ReadFile("../../testdata/quay/replies.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases map[string]map[string]recorded
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// releaseNames maps the names of the recordings to those of the table.
var releaseNames = map[string]string{"3.18+": "3.18", "3.16.2": "3.16.2"}

// exchangeTokens are the cases that differ in the ID token alone, shown by the
// robot that trusts every issuer.
func exchangeTokens(sb *Sandbox, elsewhere elsewhere) map[string]Token {
	now := sb.Now().Unix()
	claims := func(pairs ...any) Token {
		changes := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			changes[pairs[i].(string)] = pairs[i+1]
		}
		return Token{Issuer: "good", Claims: changes}
	}
	cases := map[string]Token{
		"ok":            {Issuer: "good"},
		"wrong iss":     claims("iss", "https://example.com"),
		"iss slash":     claims("iss", sb.URL+"/issuers/good/"),
		"no iss":        claims("iss", nil),
		"wrong sub":     claims("sub", "repo:acme/other:ref:refs/heads/main"),
		"no sub":        claims("sub", nil),
		"sub number":    claims("sub", 42),
		"expired":       claims("exp", now-120, "iat", now-400),
		"expired 20":    claims("exp", now-20, "iat", now-300),
		"iat +20":       claims("iat", now+20),
		"iat +60":       claims("iat", now+60),
		"nbf +1h":       claims("nbf", now+3600),
		"iat str":       claims("iat", "soon"),
		"exp str":       claims("exp", "soon"),
		"no iat":        claims("iat", nil),
		"no exp":        claims("exp", nil),
		"aud any":       claims("aud", "anything"),
		"no aud":        claims("aud", nil),
		"other key":     {Issuer: "good", OtherKey: true},
		"unknown kid":   {Issuer: "good", Header: map[string]any{"kid": "nobody"}},
		"no kid":        {Issuer: "good", Header: map[string]any{"kid": nil}},
		"closed":        {Issuer: elsewhere.closed},
		"untrusted tls": {Issuer: elsewhere.untrusted},
		"http issuer":   {Issuer: elsewhere.plain},
		"header 7.9k":   claims("padding", strings.Repeat("x", 3800)),
		"header 9.7k":   claims("padding", strings.Repeat("x", 4900)),
	}
	for _, alg := range []string{"RS384", "RS512", "PS256", "ES256", "HS256", "none"} {
		cases[alg] = Token{Issuer: "good", Alg: alg}
	}
	// HS256 and none were recorded with the id of the RSA key.
	for _, mode := range oddIssuers {
		cases["mode "+mode] = Token{Issuer: mode}
	}
	return cases
}

var oddIssuers = []string{"d500", "d404", "dhtml", "dempty", "dredir", "dother", "dslash", "dslow8",
	"jplain", "j500", "jhtml", "jempty", "jnokid"}

// contractRequest is a case that is more than its ID token.
type contractRequest struct {
	method, path string
	prepare      func(*http.Request)
}

func exchangeRequests(t *testing.T, sb *Sandbox) map[string]contractRequest {
	good := mint(t, sb, Token{Issuer: "good"})
	get := func(prepare func(*http.Request)) contractRequest {
		return contractRequest{"GET", exchangePath, prepare}
	}
	as := func(method string) contractRequest {
		return contractRequest{method, exchangePath, basic("suite+rr", good)}
	}
	return map[string]contractRequest{
		"no auth":              get(func(*http.Request) {}),
		"bearer":               get(authorization("Bearer " + good)),
		"bad b64":              get(authorization("Basic abc")),
		"no colon":             get(authorization("Basic bm9jb2xvbg==")),
		"no plus":              get(basic("suite", good)),
		"unknown robot":        get(basic("suite+nobody", good)),
		"nofed":                get(basic("suite+nofed", good)),
		"nofed+nonjwt":         get(basic("suite+nofed", "not a JWT")),
		"nonjwt":               get(basic("suite+rr", "not a JWT")),
		"empty pw":             get(basic("suite+rr", "")),
		"newline":              get(basic("suite+rr", good+"\n")),
		"bad sig":              get(basic("suite+rr", good[:len(good)-20]+"AAAA"+good[len(good)-16:])),
		"exchange admin+mine2": get(basic("admin+mine2", good)),
		"cfg slash + tok slash (disc no slash)": get(basic("suite+slash",
			mint(t, sb, Token{Issuer: "good", Claims: map[string]any{"iss": sb.URL + "/issuers/good/"}}))),
		"method POST":    as("POST"),
		"method PUT":     as("PUT"),
		"method HEAD":    as("HEAD"),
		"method OPTIONS": as("OPTIONS"),
	}
}

func authRequests(t *testing.T, sb *Sandbox) map[string]contractRequest {
	auth := func(password string) contractRequest {
		return contractRequest{"GET", "/v2/auth?service=" + sb.Host + "&scope=repository:suite/app:pull", basic("suite+rr", password)}
	}
	own := func(token Token) contractRequest {
		token.Issuer, token.Subject = "quay", "suite+rr"
		return auth(mint(t, sb, token))
	}
	now := sb.Now().Unix()
	return map[string]contractRequest{
		"v2 ok":           own(Token{}),
		"v2 expired":      own(Token{Claims: map[string]any{"exp": now - 60, "iat": now - 3660}}),
		"v2 bad sig":      own(Token{OtherKey: true}),
		"v2 unknown kid":  own(Token{Header: map[string]any{"kid": "nobody"}}),
		"v2 other robot":  auth(mint(t, sb, Token{Issuer: "quay", Subject: "suite+nofed"})),
		"v2 CI token":     auth(mint(t, sb, Token{Issuer: "good"})),
		"v2 wrong static": auth("WRONG"),
	}
}

// elsewhere are issuers that are not the sandbox's.
type elsewhere struct{ closed, untrusted, plain string }

func startElsewhere(t *testing.T) elsewhere {
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = nil
	t.Cleanup(untrusted.Close)
	// A port that was free a moment ago could be the sandbox's own.
	return elsewhere{closed: "https://127.0.0.1:1", untrusted: untrusted.URL, plain: "http://issuer.example/good"}
}

func contractConfig(release string, elsewhere elsewhere) Config {
	subject := platform.DefaultSubject("good")
	everything := []Entry{{Issuer: "good", Subject: subject}}
	for _, issuer := range append(slices.Clone(oddIssuers), elsewhere.closed, elsewhere.untrusted, elsewhere.plain) {
		everything = append(everything, Entry{Issuer: issuer, Subject: subject})
	}
	return Config{Release: release, AppServer: true, APITokens: apiTokens(), Robots: []Robot{
		{Name: "suite+rr", Federation: everything, Grants: map[string]Role{"suite/app": Write}},
		{Name: "suite+slash", Federation: []Entry{{Issuer: "good/", Subject: subject}}},
		{Name: "suite+nofed"},
		{Name: "admin+mine2", Federation: []Entry{{Issuer: "good", Subject: subject}}},
		{Name: "suite+fed", Federation: []Entry{{Issuer: "https://issuer.example", Subject: subject}}},
		{Name: "suite+post"}, {Name: "admin+fed", Federation: []Entry{{Issuer: "good", Subject: subject}}},
	}}
}

func TestContract(t *testing.T) {
	replies := readReplies(t)
	for recording, release := range releaseNames {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			elsewhere := startElsewhere(t)
			cfg := contractConfig(release, elsewhere)
			sb := start(t, cfg)
			cfg.DiscoveryTimeout = 100 * time.Millisecond
			impatient := start(t, cfg)

			tested := exchangeRequests(t, sb)
			for name, token := range exchangeTokens(sb, elsewhere) {
				tested[name] = contractRequest{"GET", exchangePath, basic("suite+rr", mint(t, sb, token))}
			}
			maps.Copy(tested, authRequests(t, sb))
			maps.Copy(tested, federationRequests(sb))
			for name, c := range tested {
				t.Run(name, func(t *testing.T) {
					want, ok := replies[name][recording]
					if !ok {
						t.Fatal("no such case is recorded")
					}
					asked := sb
					if name == "mode dslow8" {
						asked = impatient
						c.prepare = basic("suite+rr", mint(t, impatient, Token{Issuer: "dslow8"}))
					}
					got, err := ask(t, asked, c.method, c.path, c.prepare)
					compare(t, asked, got, err, want)
				})
			}
			for name := range replies {
				if _, isTested := tested[name]; !isTested {
					t.Errorf("case %q is not tested", name)
				}
			}
		})
	}
}

var (
	titlePattern = regexp.MustCompile(`^HTML, title "(.*)"$`)
	jwtPattern   = regexp.MustCompile(`ey[\w-]+\.[\w-]+\.[\w-]+`)
)

// compare holds an answer to the recording: status, content type, the headers
// that were recorded, and the body, of which HTML by its title only.
func compare(t *testing.T, sb *Sandbox, got reply, err error, want recorded) {
	t.Helper()
	if want.Status == "EXC" {
		if err == nil {
			t.Fatalf("answered %d %s, want a closed connection", got.status, got.body)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if float64(got.status) != want.Status {
		t.Fatalf("status %d %q, want %v %q", got.status, got.body, want.Status, want.Body)
	}
	if contentType := got.header.Get("Content-Type"); contentType != want.ContentType {
		t.Errorf("content type %q, want %q", contentType, want.ContentType)
	}
	neutral := strings.NewReplacer(sb.URL+"/issuers/", "https://issuer.example/", sb.Host, "quay.example")
	// Some recordings were made without TLS.
	tls := strings.NewReplacer("http://quay.example", "https://quay.example")
	for name, value := range want.Headers {
		value = tls.Replace(value)
		if got := neutral.Replace(got.header.Get(name)); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	body := jwtPattern.ReplaceAllString(neutral.Replace(got.body), "<JWT>")
	if title := titlePattern.FindStringSubmatch(want.Body); title != nil {
		if title[1] != "" && !strings.Contains(body, "<title>"+title[1]+"</title>") {
			t.Errorf("body %q, want the title %q", body, title[1])
		}
		return
	}
	body, want.Body = strings.TrimSuffix(body, "\n"), tls.Replace(want.Body)
	if begin, cut := strings.CutSuffix(want.Body, "…"); cut && len(body) > len(begin) {
		body, want.Body = body[:len(begin)], begin
	}
	if body != want.Body {
		t.Errorf("body %s, want %s", body, want.Body)
	}
}
