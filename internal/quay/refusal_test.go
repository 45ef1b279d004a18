// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/quay"
)

// refused makes Quay answer an exchange with that.
func refused(t testing.TB, r reply) (*quay.Refusal, error) {
	t.Helper()
	_, err := client(t, "quay.example", always(r)).Exchange(t.Context(), ci, holding("id.to.ken"))
	var refusal *quay.Refusal
	errors.As(err, &refusal)
	return refusal, err
}

// reasons are all messages of the contract's sections 2 to 4 and 8, of both releases.
var reasons = []struct {
	status  int
	key     string
	message string
	want    quay.Reason
}{
	{401, "error", "No auth header", quay.BadHeader},
	{401, "error", "Invalid basic auth header", quay.BadHeader},
	{401, "error", "Could not parse basic auth header", quay.BadHeader},
	{401, "error", "Unexpected number of credentials found in basic auth header", quay.BadHeader},
	{401, "error", "Invalid robot", quay.InvalidRobot},
	{400, "message", "Could not find robot with specified username", quay.NoSuchRobot},
	{400, "message", "Token does not contain issuer", quay.NoIssuer},
	{400, "message", "Robot does not have federated login configured", quay.NotFederated},
	{400, "message", "issuer https://token.actions.githubusercontent.com not configured for this robot", quay.UnknownIssuer},
	{400, "message", "issuer issuer x not configured for this robot not configured for this robot", quay.UnknownIssuer},
	{400, "message", "Invalid token: Missing `kid` header", quay.NoKeyID},
	{400, "message", "Invalid token: Key ID header parameter must be a string", quay.NoKeyID},
	{400, "message", "Invalid token: Issuer 'https://a.example' not in configured issuers: ['https://b.example']", quay.IssuerDiffers},
	{400, "message", "Invalid token: Invalid issuer", quay.IssuerDiffers},
	{400, "message", "Invalid token: The specified alg value is not allowed", quay.Algorithm},
	{400, "message", "Invalid token: Signature verification failed", quay.BadSignature},
	{400, "message", `Invalid token: Token is missing the "iat" claim`, quay.MissingClaim},
	{400, "message", `Invalid token: Token is missing the "exp" claim`, quay.MissingClaim},
	{400, "message", `Invalid token: Token is missing the "aud" claim`, quay.MissingClaim},
	{400, "message", "Invalid token: Issued At claim (iat) cannot be in the future.", quay.NotYetIssued},
	{400, "message", "Invalid token: Issued At claim (iat) must be an integer.", quay.MalformedClaim},
	{400, "message", "Invalid token: Expiration Time claim (exp) must be an integer.", quay.MalformedClaim},
	{400, "message", "Invalid token: Signature has expired", quay.IDTokenExpired},
	{400, "message", "Invalid token: Audience doesn't match", quay.WrongAudience},
	{400, "message", "Token audience is not allowed for this robot", quay.WrongAudience},
	{400, "message", "Invalid token: Invalid claim format in token", quay.MalformedClaim},
	{400, "message", "Invalid token: Subject must be a string", quay.MalformedClaim},
	{400, "message", "Invalid token: JWT ID must be a string", quay.MalformedClaim},
	{400, "message", "Token does not match robot", quay.WrongSubject},
	{401, "message", "Robot account have been disabled. Please contact your administrator.", quay.RobotsDisabled},
	{401, "message", "Robot acme+ci owner acme is disabled", quay.OwnerDisabled},
	{400, "message", "Ambiguous federation binding for this robot", quay.Ambiguous},
	{400, "message", "words of a later release", quay.Unrecognized},
	{403, "error", "token does not match robot", quay.Unrecognized},
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, test := range reasons {
		for _, body := range []string{asJSON(t, test.key, test.message) + "\n", `{"errors":[` + asJSON(t, "message", test.message) + `,{"message":"second"}]}`} {
			refusal, err := refused(t, reply{status: test.status, body: body})
			if refusal == nil || refusal.Reason != test.want || refusal.Message != test.message || refusal.Status != test.status || refusal.Host != "quay.example" {
				t.Errorf("%s: got %+v, %v", test.message, refusal, err)
				continue
			}
			if want := fmt.Sprintf("quay.example refused: %q (HTTP %d)", test.message, test.status); err.Error() != want {
				t.Errorf("got %s\nwant %s", err, want)
			}
		}
	}
}

func TestRefusalsWithoutWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
		status           int
	}{
		{"nothing", "", "quay.example refused with HTTP 403 Forbidden", 403},
		{"empty object", "{}", "quay.example refused with HTTP 400 Bad Request", 400},
		{"empty errors", `{"errors":[]}`, `quay.example refused: "{\"errors\":[]}" (HTTP 401)`, 401},
		{"plain text", "upstream connect error", `quay.example refused: "upstream connect error" (HTTP 403)`, 403},
		{"JSON of another form", `{"detail":"no"}`, `quay.example refused: "{\"detail\":\"no\"}" (HTTP 400)`, 400},
		{"null", "null", "quay.example refused with HTTP 400 Bad Request", 400},
		{"list", "[]", "quay.example refused with HTTP 400 Bad Request", 400},
		{"a proxy's page", "<html><head><title> 403\nForbidden </title></head>", `quay.example refused: "403\nForbidden" (HTTP 403)`, 403},
		{"an upper-case page", "<HTML><HEAD><TITLE lang=en>Access Denied &amp; logged</TITLE>", `quay.example refused: "Access Denied & logged" (HTTP 403)`, 403},
		{"words beside something odd", `{"message":{"x":1},"error":"words"}`, `quay.example refused: "words" (HTTP 403)`, 403},
		{"page without a title", "<html><body>", "quay.example refused with HTTP 405 Method Not Allowed", 405},
		{"title without an end", "<title>x", "quay.example refused with HTTP 400 Bad Request", 400},
		{"empty title", "<title></title>", "quay.example refused with HTTP 400 Bad Request", 400},
	}
	for _, test := range tests {
		refusal, err := refused(t, reply{status: test.status, body: test.body})
		if refusal == nil || refusal.Reason != quay.Unrecognized || err.Error() != test.want {
			t.Errorf("%s: got %v\nwant %s", test.name, err, test.want)
		}
	}
}

func TestHeaderTooLarge(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		400: "<html>\r\n<head><title>400 Request Header Or Cookie Too Large</title></head>",
		431: "<html><head><title>Request Header Fields Too Large</title>",
	} {
		refusal, err := refused(t, reply{status: status, body: body})
		if refusal == nil || refusal.Reason != quay.HeaderTooLarge || !strings.Contains(err.Error(), "found the request's header too large") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestHostileRefusals(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"line\r\n::error::two\n##[add-path]/tmp", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe\u2066", "\x00\u0085\u2028", "%0A::add-mask::x",
		strings.Repeat("long ", 20_000), "<script>alert(1)</script>", "$(id) `id`", `"quotes" \`,
	} {
		for _, r := range []reply{
			{status: 400, body: asJSON(t, "message", words)},
			{status: 403, body: "<title>" + strings.ReplaceAll(words, "<", "") + "</title>"},
			{status: 302, header: []string{"Location: https://evil.example/?" + strings.ReplaceAll(strings.ReplaceAll(words, "\r", ""), "\n", "")}},
		} {
			_, err := refused(t, r)
			if err == nil || !oneLine(err.Error()) || strings.ContainsAny(err.Error(), "\u2066\x07") {
				t.Errorf("%.80q: %.80q", words, err)
			}
		}
		if refusal, _ := refused(t, reply{status: 400, body: asJSON(t, "message", words)}); refusal == nil || refusal.Message != words {
			t.Errorf("%.80q was not kept whole", words)
		}
	}
}

// FuzzMessage answers exchanges with anything.
func FuzzMessage(f *testing.F) {
	f.Add(400, `{"message":"Token does not match robot"}`, "")
	f.Add(401, `{"errors":[{"message":"x","detail":{}}]}`, "/oauth2/federation/robot/token/")
	f.Add(403, "<html><title>a</title><title>", "%zz")
	f.Add(200, `{"token":"a.b.c"}`, "")
	f.Add(308, `{"message":{"x":1},"error":"\u0000"}`, "http://[::1")
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		if status < 200 || status > 599 {
			return
		}
		_, err := refused(t, reply{status: status, body: body, header: []string{"Location: " + location}})
		if err == nil {
			t.Fatalf("HTTP %d %q was taken for a robot token", status, body)
		}
		var refusal *quay.Refusal
		var unreachable *endpoint.Unreachable
		var unbelievable *endpoint.Unbelievable
		if !errors.As(err, &refusal) && !errors.As(err, &unreachable) && !errors.As(err, &unbelievable) {
			t.Errorf("a %T: %v", err, err)
		}
		if !oneLine(err.Error()) || strings.Contains(err.Error(), "id.to.ken") {
			t.Errorf("%q", err)
		}
	})
}
