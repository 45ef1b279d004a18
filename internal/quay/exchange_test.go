// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// robotToken is what Quay gives for the robot acme+ci, alive for an hour.
func robotToken(t testing.TB) string {
	t.Helper()
	return jwt(t, object{"iss": "quay", "sub": "acme+ci", "exp": now.Add(time.Hour).Unix()})
}

func TestExchange(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 200, body: asJSON(t, "token", robotToken(t))})
	token, err := client(t, "quay.example:8443/acme", transport).Exchange(t.Context(), ci, holding("id.to.ken"))
	if err != nil || token.AccessToken != robotToken(t) || !token.Expiry.Equal(now.Add(time.Hour)) {
		t.Fatalf("got %+v, %v", token, err)
	}
	request := transport.seen[0]
	user, password, _ := request.BasicAuth()
	if user != "acme+ci" || password != "id.to.ken" {
		t.Errorf("sent %q with %q", user, password)
	}
	if request.Method != "GET" || request.URL.String() != "https://quay.example:8443/oauth2/federation/robot/token" {
		t.Errorf("sent %s %s", request.Method, request.URL)
	}
}

func TestExchangeByPlainHTTP(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 200, body: asJSON(t, "token", robotToken(t))})
	if _, err := client(t, "http://quay.example", transport).Exchange(t.Context(), ci, holding("id.to.ken")); err != nil {
		t.Fatal(err)
	}
	if got := transport.seen[0].URL.Scheme; got != "http" {
		t.Errorf("asked by %s", got)
	}
}

func TestRobotTokenIsLookedAt(t *testing.T) {
	t.Parallel()
	const local, ahead, behind = "", "Date: Sun, 22 Nov 2026 10:00:00 GMT", "Date: Sun, 22 Nov 2026 06:00:00 GMT"
	token := func(payload any) string { return asJSON(t, "token", jwt(t, payload)) }
	expiry := func(at time.Time) string { return token(object{"sub": "acme+ci", "exp": at.Unix()}) }
	tests := []struct{ name, date, body, want string }{
		{"good", local, expiry(now.Add(time.Hour)), ""},
		{"last second", local, expiry(now.Add(time.Second)), ""},
		{"expired now", local, expiry(now), "answered with a robot token that expired at 2026-11-22T08:00:00Z"},
		{"expired", local, expiry(now.Add(-time.Hour)), "answered with a robot token that expired at 2026-11-22T07:00:00Z"},
		{"expired by the registry's clock alone", ahead, expiry(now.Add(time.Hour)), "answered with a robot token that expired at 2026-11-22T09:00:00Z"},
		{"expired by the local clock alone", behind, expiry(now.Add(-time.Hour)), ""},
		{"nonsense for a date", "Date: today", expiry(now.Add(time.Hour)), ""},
		{"other robot", local, token(object{"sub": "acme+other", "exp": now.Add(time.Hour).Unix()}), `answered with a token for "acme+other"`},
		{"other case", local, token(object{"sub": "acme+CI", "exp": now.Add(time.Hour).Unix()}), `answered with a token for "acme+CI"`},
		{"no robot", local, token(object{"exp": now.Add(time.Hour).Unix()}), `answered with a token for ""`},
		{"hostile robot", local, token(object{"sub": "x\n::error::\x1b[2J", "exp": 1}), `answered with a token for "x\n::error::\x1b[2J"`},
		{"no expiry", local, token(object{"sub": "acme+ci"}), "answered with a robot token without an expiry"},
		{"odd expiry", local, token(`{"sub":"acme+ci","exp":"never"}`), "answered with a robot token without an expiry"},
		{"no JWT", local, `{"token":"3NPD0RBWFFWQV7JZ"}`, "answered with a robot token that is not a JWT"},
		{"newline", local, asJSON(t, "token", robotToken(t)+"\n"), "answered with a robot token that is not a JWT"},
		{"newline inside", local, asJSON(t, "token", strings.Replace(robotToken(t), ".", ".\n", 1)), "answered with a robot token that is not a JWT"},
		{"empty token", local, `{"token":""}`, "answered without a robot token"},
		{"other key", local, `{"access_token":"x"}`, "answered without a robot token"},
		{"null", local, `null`, "answered without a robot token"},
		{"token of another type", local, `{"token":1}`, "answered with other JSON in place of a robot token"},
		{"list", local, `[]`, "answered with other JSON in place of a robot token"},
		{"nothing", local, ``, "answered with nothing in place of a robot token"},
		{"page", local, "<html><head><title>\n Sign in \x1b[2J</title>", `answered with the page "Sign in \x1b[2J" in place of a robot token`},
		{"truncated", local, `{"token":"ey`, "answered with 12 bytes that are no JSON object in place of a robot token"},
	}
	for _, test := range tests {
		transport := always(reply{status: 200, body: test.body, header: []string{test.date}})
		got, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding("id.to.ken"))
		if test.want == "" {
			if err != nil || got.AccessToken == "" {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		var unbelievable *endpoint.Unbelievable
		if got != nil || !errors.As(err, &unbelievable) || err.Error() != "the exchange at quay.example "+test.want {
			t.Errorf("%s: got %v\nwant %s", test.name, err, test.want)
		}
		if len(transport.seen) != 1 {
			t.Errorf("%s: asked %d times", test.name, len(transport.seen))
		}
	}
}

// A robot token without a signature is the registry's to judge: Quay signs, and
// nobody but Quay can verify, so only the claims are looked at here.
func TestRobotTokenIsNotVerified(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(robotToken(t), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + rest
	transport := always(reply{status: 200, body: asJSON(t, "token", none)})
	if _, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding("id.to.ken")); err != nil {
		t.Error(err)
	}
}

// A token that says it lives for years counts for a day.
func TestRobotTokenLifetime(t *testing.T) {
	t.Parallel()
	unix := float64(now.Unix())
	for _, test := range []struct {
		exp  float64
		want time.Duration // 0 for a token that is refused
	}{
		{unix + 3600, time.Hour}, {unix + 0.5, 500 * time.Millisecond}, {unix + 86400, 24 * time.Hour}, {unix + 86400.5, 24 * time.Hour}, {unix + 86401, 24 * time.Hour},
		{9e10, 24 * time.Hour}, {253402300799, 24 * time.Hour}, {253402300800, 0}, {1e300, 0},
		{unix, 0}, {unix - 0.5, 0}, {0, 0}, {-0.5, 0}, {-unix, 0}, {-9e18, 0},
	} {
		body := asJSON(t, "token", jwt(t, object{"sub": "acme+ci", "exp": test.exp}))
		got, err := client(t, "quay.example", always(reply{status: 200, body: body})).Exchange(t.Context(), ci, holding("id.to.ken"))
		var unbelievable *endpoint.Unbelievable
		switch {
		case test.want == 0 && !errors.As(err, &unbelievable):
			t.Errorf("exp %f: got %v, %v", test.exp, got, err)
		case test.want != 0 && (err != nil || got.Expiry.Sub(now) != test.want):
			t.Errorf("exp %f: got %v, %v, want %s", test.exp, got, err, test.want)
		}
	}
}

func TestHeaderLineLimit(t *testing.T) {
	t.Parallel()
	// "Authorization: Basic " and the line's end leave 8169 bytes, 8168 in
	// groups of four, for the base64 of 6126 bytes, 8 of them "acme+ci:".
	const longest = 6126 - len("acme+ci:")
	for length, sent := range map[int]bool{longest: true, longest + 1: false, longest - 100: true, 1 << 16: false} {
		transport := always(reply{status: 200, body: asJSON(t, "token", robotToken(t))})
		_, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding(strings.Repeat("x", length)))
		var tooLong *idtoken.Error
		switch {
		case sent && err != nil:
			t.Errorf("%d bytes: %v", length, err)
		case sent:
			if line := len("Authorization: " + transport.seen[0].Header.Get("Authorization") + "\r\n"); line > 8192 || length == longest && line != 8191 {
				t.Errorf("%d bytes made a header line of %d", length, line)
			}
		case !errors.As(err, &tooLong) || tooLong.Problem != idtoken.TooLong || len(transport.seen) != 0:
			t.Errorf("%d bytes: %v after %d requests", length, err, len(transport.seen))
		}
	}
}

func TestIDTokenForEachAttempt(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 502})
	var given int
	stale := errors.New("no fresh token")
	_, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, func(context.Context) (idtoken.Secret, error) {
		if given++; given > 3 {
			return idtoken.Secret{}, stale
		}
		return idtoken.NewSecret(strings.Repeat("x", given)), nil
	})
	if !errors.Is(err, stale) || len(transport.seen) != 3 {
		t.Fatalf("%d requests, %v", len(transport.seen), err)
	}
	for i, request := range transport.seen {
		if _, password, _ := request.BasicAuth(); len(password) != i+1 {
			t.Errorf("attempt %d sent %q", i+1, password)
		}
	}
}

func TestExchangeKeepsCredentialsHome(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		transport := always(reply{status: code, header: []string{"Location: https://evil.example/\x1b[2J"}})
		_, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding("id.to.ken"))
		var refusal *quay.Refusal
		if !errors.As(err, &refusal) || refusal.Location == "" || !strings.Contains(err.Error(), `redirects to "https://evil.example/`) || !oneLine(err.Error()) {
			t.Errorf("%d: %v", code, err)
		}
		if len(transport.seen) != 1 {
			t.Errorf("%d: asked %d times", code, len(transport.seen))
		}
	}
}

func TestQuayWithoutTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]reply{
		"404 page":    {status: 404, body: "<html><title>Quay</title>"},
		"404 JSON":    {status: 404, body: `{"message":"not found"}`},
		"308":         {status: 308, header: []string{"Location: /oauth2/federation/robot/token/"}},
		"308 of 3.11": {status: 308, header: []string{"Location: https://q.example/oauth2/federation/robot/token/"}, body: `{"message":"bad path, there may be a trailing slash","new_url":"x"}`},
	} {
		_, err := client(t, "quay.example", always(r)).Exchange(t.Context(), ci, holding("id.to.ken"))
		var refusal *quay.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != quay.NoEndpoint || !strings.HasPrefix(err.Error(), "quay.example has no robot federation endpoint (HTTP ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExchangeOtherSuccess(t *testing.T) {
	t.Parallel()
	for _, code := range []int{201, 202, 204, 206} {
		_, err := client(t, "quay.example", always(reply{status: code})).Exchange(t.Context(), ci, holding("id.to.ken"))
		var unbelievable *endpoint.Unbelievable
		if !errors.As(err, &unbelievable) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestExchangeUnreachable(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{500: 3, 502: 5, 503: 5, 504: 5, 429: 5, 408: 5} {
		transport := always(reply{status: code, body: "<html><title>Quay Loading</title>"})
		_, err := client(t, "quay.example", transport).Exchange(t.Context(), ci, holding("id.to.ken"))
		var unreachable *endpoint.Unreachable
		if !errors.As(err, &unreachable) || unreachable.Answer().Status != code || transport.asked("/oauth2/federation/robot/token") != want {
			t.Errorf("%d: %d requests, %v", code, len(transport.seen), err)
		}
	}
}

var _ http.RoundTripper = (*server)(nil)
