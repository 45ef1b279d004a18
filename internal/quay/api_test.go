// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

const apiToken = "THEAPITOKENTHATNOBODYMUSTSEE"

func api(t testing.TB, transport http.RoundTripper) *quay.API {
	t.Helper()
	return quay.NewAPI(client(t, "quay.example", transport), idtoken.NewSecret(apiToken))
}

const (
	federationPath = "/api/v1/organization/acme/robots/ci/federation"
	personalPath   = "/api/v1/user/robots/ci/federation"

	unknownRobot = `{"message":"Could not find robot with specified username"}`
	unauthorized = `{"detail": "Unauthorized", "error_message": "Unauthorized", "error_type": "insufficient_scope", "title": "insufficient_scope", "type": "https://quay.example/api/v1/error/insufficient_scope", "status": 403}`
	noToken      = `{"detail": "Requires authentication", "error_message": "Requires authentication", "error_type": "invalid_token", "title": "invalid_token", "type": "https://quay.example/api/v1/error/invalid_token", "status": 401}`
	readOnly     = `{"is_readonly":true,"message":"System is currently read-only. Pulls will succeed but all write operations are currently suspended."}`
)

func TestFederationAsksWithTheToken(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 200, body: `[{"issuer":"https://i","subject":"s"}]`})
	entries, err := api(t, transport).Account(ci).Federation(t.Context())
	if err != nil || len(entries) != 1 || entries[0].Subject != "s" {
		t.Fatalf("%v, %v", entries, err)
	}
	request := transport.seen[0]
	if request.Method != "GET" || request.URL.String() != "https://quay.example"+federationPath || request.Header.Get("Authorization") != "Bearer "+apiToken {
		t.Errorf("%s %s %v", request.Method, request.URL, request.Header)
	}
}

func TestRefusalsOfTheAPI(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><title>404 Not Found</title>"
	for _, test := range []struct {
		name   string
		answer reply
		want   quay.Reason
		words  string
	}{
		{"unknown robot", reply{status: 400, body: unknownRobot}, quay.NoSuchRobot, `quay.example refused: "Could not find robot with specified username" (HTTP 400)`},
		{"no rights", reply{status: 403, body: unauthorized}, quay.NotAllowed, `quay.example refused: "Unauthorized" (HTTP 403)`},
		{"no token", reply{status: 401, body: noToken}, quay.BadAPIToken, `quay.example refused: "Requires authentication" (HTTP 401)`},
		{"no token on a write", reply{status: 403, body: `{"error": "CSRF token was invalid or missing."}`, header: []string{"Content-Type: text/html"}},
			quay.BadAPIToken, `quay.example refused: "CSRF token was invalid or missing." (HTTP 403)`},
		{"read-only", reply{status: 503, body: readOnly}, quay.ReadOnly,
			`quay.example refused: "System is currently read-only. Pulls will succeed but all write operations are currently suspended." (HTTP 503)`},
		{"too old", reply{status: 308, header: []string{"Location: https://quay.example" + federationPath + "/"}}, quay.NoAPI,
			`quay.example has no API for the federation of robot accounts (HTTP 308)`},
		{"no Quay", reply{status: 404, body: page}, quay.NoAPI, `quay.example has no API for the federation of robot accounts (HTTP 404)`},
		{"too old, on a write", reply{status: 405, body: "<title>405 Method Not Allowed</title>"}, quay.NoAPI,
			`quay.example has no API for the federation of robot accounts (HTTP 405)`},
		{"a front's redirect", reply{status: 308, header: []string{"Location: https://www.quay.example" + federationPath}}, quay.Unrecognized,
			`quay.example redirects to "https://www.quay.example` + federationPath + `" (HTTP 308), which is not followed with a credential`},
		{"a schema", reply{status: 400, body: `{"error_message": "'x' is not of type 'object'\n\nFailed validating", "error_type": "invalid_request"}`}, quay.Unrecognized,
			`quay.example refused: "'x' is not of type 'object'" (HTTP 400)`},
		{"a front's 403", reply{status: 403, body: "<title>Forbidden</title>"}, quay.Unrecognized, `quay.example refused: "Forbidden" (HTTP 403)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport := always(test.answer)
			_, err := api(t, transport).Account(ci).Federation(t.Context())
			var refusal *quay.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != test.want || err.Error() != test.words {
				t.Errorf("got %v\nwant %s", err, test.words)
			}
			for _, request := range transport.seen {
				if request.URL.Path != federationPath && request.URL.Path != "/api/v1/user/" && request.URL.Path != "/api/v1/organization/acme" {
					t.Errorf("asked %s too", request.URL.Path)
				}
			}
		})
	}
}

func TestAnswersThatAreNoEntries(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"<title>Sign in</title>": `the API of quay.example answered with the page "Sign in" in place of federation entries`,
		"":                       "the API of quay.example answered with nothing in place of federation entries",
		`{"token":"x"}`:          "the API of quay.example answered with other JSON in place of federation entries",
		`[1]`:                    "the API of quay.example answered with other JSON in place of federation entries",
		`null`:                   "the API of quay.example answered with null in place of federation entries",
	} {
		_, err := api(t, always(reply{status: 200, body: body})).Account(ci).Federation(t.Context())
		var odd *endpoint.Unbelievable
		if !errors.As(err, &odd) || err.Error() != want {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// personal answers as Quay does to a token with the scope user:admin.
func personal(user string, own reply) *server {
	return &server{answer: func(request *http.Request) reply {
		switch request.URL.Path {
		case "/api/v1/user/":
			return reply{status: 200, body: `{"username":"` + user + `"}`}
		case personalPath:
			return own
		}
		return reply{status: 403, body: unauthorized}
	}}
}

func TestAPersonalRobot(t *testing.T) {
	t.Parallel()
	good := reply{status: 200, body: `[]`}
	transport := personal("acme", good)
	account := api(t, transport).Account(ci)
	for range 2 {
		if _, err := account.Federation(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if last := transport.seen[len(transport.seen)-1]; len(transport.seen) != 4 || last.URL.Path != personalPath {
		t.Errorf("%d requests, the last to %s", len(transport.seen), last.URL.Path)
	}
	var refusal *quay.Refusal
	for name, transport := range map[string]*server{
		"another person's": personal("other", good),
		"before 3.17.2":    personal("acme", reply{status: 308, header: []string{"Location: https://quay.example" + personalPath + "/"}}),
	} {
		if _, err := api(t, transport).Account(ci).Federation(t.Context()); !errors.As(err, &refusal) || refusal.Reason != quay.NotAllowed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := api(t, personal("acme", reply{status: 400, body: unknownRobot})).Account(ci).Federation(t.Context()); !errors.As(err, &refusal) || refusal.Reason != quay.NoSuchRobot {
		t.Errorf("a personal robot that is not there: %v", err)
	}
}

// FuzzRefusalsOfTheAPI looks for an answer with another status that is no error.
func FuzzRefusalsOfTheAPI(f *testing.F) {
	for _, body := range []string{unknownRobot, unauthorized, noToken, readOnly, `{"error_message":7}`, "<title>x</title>", `{"errors":[{"message":"x"}]}`, "[]", ""} {
		for _, status := range []int{200, 302, 308, 400, 401, 403, 404, 405, 503} {
			f.Add(status, body, "https://quay.example/x")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body, location string) {
		if status < 100 || status > 599 || strings.ContainsAny(location, "\r\n") {
			return
		}
		answer := reply{status: status, body: body, header: []string{"Location: " + location}}
		entries, err := api(t, always(answer)).Account(ci).Federation(t.Context())
		if err == nil {
			if status < 200 || status > 299 {
				t.Errorf("%d %q: %v", status, body, entries)
			}
		}
	})
}
