// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

var login = quay.Login{Robot: ci, Token: idtoken.NewSecret("robot.to.ken")}

func challenge(realm string) quay.Challenge {
	return quay.Challenge{Scheme: "bearer", Realm: realm, Service: "quay.example"}
}

func TestProve(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ registry, realm, want string }{
		{"quay.example", "https://quay.example/v2/auth", "https://quay.example/v2/auth?service=quay.example"},
		{"quay.example", "https://QUAY.example/v2/auth", "https://QUAY.example/v2/auth?service=quay.example"},
		{"quay.example", "HTTPS://quay.example:8443/v2/auth", "https://quay.example:8443/v2/auth?service=quay.example"},
		{"quay.example:8443", "https://quay.example/v2/auth", "https://quay.example/v2/auth?service=quay.example"},
		{"quay.example", "https://quay.example/v2/auth?a=b%26c&service=x", "https://quay.example/v2/auth?a=b%26c&service=quay.example"},
		{"http://quay.example", "http://quay.example/v2/auth", "http://quay.example/v2/auth?service=quay.example"},
		{"[::1]:5000", "https://[::1]:5000/auth", "https://[::1]:5000/auth?service=quay.example"},
	} {
		for _, body := range []string{`{"token":"x"}`, `{"access_token":"x"}`, `{"token":"x","access_token":"y"}`} {
			transport := always(reply{status: 200, body: body})
			if err := client(t, test.registry, transport).Prove(t.Context(), challenge(test.realm), login); err != nil {
				t.Errorf("%s at %s: %v", test.realm, test.registry, err)
				continue
			}
			request := transport.seen[0]
			if user, password, _ := request.BasicAuth(); user != "acme+ci" || password != "robot.to.ken" || request.URL.String() != test.want {
				t.Errorf("%s at %s: asked %s as %s", test.realm, test.registry, request.URL, user)
			}
		}
	}
}

func TestCredentialGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		registry, words string
		challenge       quay.Challenge
	}{
		{"quay.example", "the token endpoint of quay.example is at https://evil.example", challenge("https://evil.example/v2/auth")},
		{"quay.example", "is at https://quay.example.evil", challenge("https://quay.example.evil/v2/auth")},
		{"quay.example", "is at https://auth.quay.example", challenge("https://auth.quay.example/")},
		{"quay.example", "is at https://evil.example", challenge("https://quay.example@evil.example/")},
		{"k.example", `is at "\u212a.example": the character U+212A at position 1 is not ASCII`, challenge("https://\u212a.example/v2/auth")}, // which strings.EqualFold takes for k
		{"quay.example", `is at "qu\u0430y.example": the character U+0430 at position 3 is not ASCII`, challenge("https://qu%D0%B0y.example/v2/auth")},
		{"quay.example", "is at https://quay.example.", challenge("https://quay.example./v2/auth")},
		{"quay.example", "is at http://quay.example", challenge("http://quay.example/v2/auth")},
		{"http://quay.example", "is at https://quay.example", challenge("https://quay.example/v2/auth")},
		{"quay.example", "is at ftp://quay.example", challenge("ftp://quay.example/v2/auth")},
		{"quay.example", "is at ://quay.example", challenge("//quay.example/v2/auth")},
		{"quay.example", "names no token endpoint", challenge("/v2/auth")},
		{"quay.example", "names no token endpoint", challenge("")},
		{"quay.example", "names no token endpoint", challenge("https:quay.example")},
		{"quay.example", "names no token endpoint", challenge("https://[::1")},
		{"quay.example", "names no token endpoint", challenge("https://quay.example/\x1b[2J")},
		{"quay.example", `asks for "basic", not for Bearer`, quay.Challenge{Scheme: "basic", Realm: "https://quay.example/v2/auth"}},
		{"quay.example", `asks for "x\x1b[2J", not for Bearer`, quay.Challenge{Scheme: "x\x1b[2J"}},
		{"quay.example", "asks for no credential", quay.Challenge{}},
	} {
		transport := always(reply{status: 200, body: `{"token":"x"}`})
		c := client(t, test.registry, transport)
		proof := c.Prove(t.Context(), test.challenge, login)
		check := c.Check(t.Context(), test.challenge, login, quay.Permission{Repository: "acme/app", Action: "push"})
		for _, err := range []error{proof, check} {
			if !errors.Is(err, quay.ErrNoProof) || !strings.HasSuffix(err.Error(), test.words) || !oneLine(err.Error()) {
				t.Errorf("%+v: %v", test.challenge, err)
			}
		}
		if len(transport.seen) != 0 {
			t.Errorf("%+v: asked %s", test.challenge, transport.seen[0].URL)
		}
	}
}

func TestUserinfoOfARealmIsIgnored(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 200, body: `{"token":"x"}`})
	c := client(t, "quay.example", transport)
	var attempts []endpoint.Attempt
	c.Endpoint.Asked = func(a endpoint.Attempt) { attempts = append(attempts, a) }
	if err := c.Prove(t.Context(), challenge("https://other:hunter2@quay.example/v2/auth"), login); err != nil {
		t.Fatal(err)
	}
	if user, password, _ := transport.seen[0].BasicAuth(); user != "acme+ci" || password != "robot.to.ken" {
		t.Errorf("sent %s with %s", user, password)
	}
	if attempts[0].URL != "https://quay.example/v2/auth" {
		t.Errorf("told of %s", attempts[0].URL)
	}
}

func TestProofRefused(t *testing.T) {
	t.Parallel()
	refusal := func(message string) string { return `{"errors":[` + asJSON(t, "message", message) + `]}` }
	for _, test := range []struct {
		status int
		body   string
		want   quay.Reason
	}{
		{401, refusal("Robot account have been disabled. Please contact your administrator."), quay.RobotsDisabled},
		{401, refusal("Robot acme+ci owner acme is disabled"), quay.OwnerDisabled},
		{401, refusal("Could not find robot with specified username"), quay.NoSuchRobot},
		{401, refusal("Token does not match robot"), quay.WrongSubject},
		{401, refusal("access to the requested resource is not authorized"), quay.Unrecognized},
		{400, `{"errors":[{"code":"INVALID_REQUEST","message":"Unable to decode repository and actions: x"}]}`, quay.Unrecognized},
		{302, "", quay.Unrecognized},
		{404, "<html><title>Quay</title>", quay.Unrecognized},
	} {
		transport := always(reply{status: test.status, body: test.body, header: []string{"Location: "}})
		err := client(t, "quay.example", transport).Prove(t.Context(), challenge("https://quay.example/v2/auth"), login)
		var got *quay.Refusal
		if !errors.As(err, &got) || got.Reason != test.want || got.Status != test.status || len(transport.seen) != 1 {
			t.Errorf("%d %s: %d requests, %v", test.status, test.body, len(transport.seen), err)
		}
	}
}

func TestProofNotBelieved(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                         "the token endpoint of quay.example answered with nothing in place of a token",
		"<title>Sign in</title>":   `the token endpoint of quay.example answered with the page "Sign in" in place of a token`,
		`{"token":1}`:              "the token endpoint of quay.example answered with other JSON in place of a token",
		strings.Repeat("x", 2<<20): "the token endpoint of quay.example sent more than 1048576 bytes",
	} {
		err := client(t, "quay.example", always(reply{status: 200, body: body})).Prove(t.Context(), challenge("https://quay.example/v2/auth"), login)
		var unbelievable *endpoint.Unbelievable
		if !errors.As(err, &unbelievable) || err.Error() != want {
			t.Errorf("%.40q: %v", body, err)
		}
	}
	transport := always(reply{status: 500, body: "<title>500</title>"})
	err := client(t, "quay.example", transport).Prove(t.Context(), challenge("https://quay.example/v2/auth"), login)
	if unreachable := (*endpoint.Unreachable)(nil); !errors.As(err, &unreachable) || transport.asked("/v2/auth") != 3 {
		t.Errorf("500: %d requests, %v", len(transport.seen), err)
	}
}

// grants is a token endpoint that gives these actions on a repository.
func grants(t testing.TB, repository string, actions ...string) *server {
	return &server{answer: func(request *http.Request) reply {
		_, asked, _ := strings.Cut(request.URL.Query().Get("scope"), repository+":")
		given := []string{}
		for _, action := range strings.Split(asked, ",") {
			if slices.Contains(actions, action) {
				given = append(given, action)
			}
		}
		return reply{status: 200, body: asJSON(t, "token", jwt(t, object{"access": []object{{"type": "repository", "name": repository, "actions": given}}}))}
	}}
}

// A real Quay creates a missing repository when a robot that may create asks
// for push, so the requests themselves are what counts.
func TestCheckAsksPullFirst(t *testing.T) {
	t.Parallel()
	const pull, push = "repository:acme/app:pull", "repository:acme/app:push"
	for _, test := range []struct {
		action  string
		granted []string
		asked   []string
		want    string
	}{
		{"pull", []string{"pull", "push"}, []string{pull}, ""},
		{"push", []string{"pull", "push"}, []string{pull, push}, ""},
		{"push", []string{"pull"}, []string{pull, push}, "quay.example grants acme+ci no push on acme/app"},
		{"push", []string{"push"}, []string{pull}, "quay.example grants acme+ci no pull on acme/app"},
		{"push", nil, []string{pull}, "quay.example grants acme+ci no pull on acme/app"},
		{"pull", nil, []string{pull}, "quay.example grants acme+ci no pull on acme/app"},
	} {
		transport := grants(t, "acme/app", test.granted...)
		err := client(t, "quay.example", transport).Check(t.Context(), challenge("https://quay.example/v2/auth"), login, quay.Permission{Repository: "acme/app", Action: test.action})
		var asked []string
		for _, request := range transport.seen {
			asked = append(asked, request.URL.Query()["scope"]...)
		}
		if !slices.Equal(asked, test.asked) {
			t.Errorf("%s with %v granted: asked %q", test.action, test.granted, asked)
		}
		var refusal *quay.Refusal
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s with %v granted: %v", test.action, test.granted, err)
		case test.want != "" && (!errors.As(err, &refusal) || refusal.Reason != quay.NotGranted || refusal.Status != 200 || err.Error() != test.want):
			t.Errorf("%s with %v granted: %v", test.action, test.granted, err)
		}
	}
}

func TestGrantedActions(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{"access":[{"type":"repository","name":"acme/app","actions":["pull"]}]}`:                                                      "granted",
		`{"access":[{"type":"repository","name":"acme/app","actions":["push","pull"]}]}`:                                               "granted",
		`{"access":[{"type":"repository","name":"x/y","actions":[]},{"type":"repository","name":"acme/app","actions":["pull"]}]}`:      "granted",
		`{"access":[{"type":"repository","name":"acme/app","actions":[]},{"type":"repository","name":"acme/app","actions":["pull"]}]}`: "granted",
		`{"access":[{"type":"repository","name":"acme/app","actions":[]}]}`:                                                            "not granted",
		`{"access":[{"type":"repository","name":"acme/app","actions":null}]}`:                                                          "not granted",
		`{"access":[{"type":"repository","name":"acme/app","actions":["PULL","pull "]}]}`:                                              "not granted",
		`{"access":[{"type":"repository","name":"acme/app2","actions":["pull"]}]}`:                                                     "not granted",
		`{"access":[{"type":"repository","name":"Acme/app","actions":["pull"]}]}`:                                                      "not granted",
		`{"access":[{"type":"registry","name":"acme/app","actions":["pull"]}]}`:                                                        "not granted",
		`{"access":[]}`:                    "not granted",
		`{"access":null}`:                  "not granted",
		`{}`:                               "not granted",
		`{"access":{"type":"repository"}}`: "not believed",
		`{"access":[{"type":"repository","name":"acme/app","actions":"pull"}]}`: "not believed",
		`["pull"]`: "not believed",
		`pull`:     "not believed",
	} {
		if got := checked(t, asJSON(t, "token", jwt(t, payload))); got != want {
			t.Errorf("%s: %s, want %s", payload, got, want)
		}
	}
	if got := checked(t, `{"token":"opaque"}`); got != "not believed" {
		t.Errorf("an opaque token: %s", got)
	}
	payload := `{"access":[{"type":"repository","name":"acme/app","actions":["pull"]}]}`
	if got := checked(t, asJSON(t, "access_token", jwt(t, payload))); got != "granted" {
		t.Errorf("access_token: %s", got)
	}
}

// checked is what a check for pull on acme/app makes of an answer.
func checked(t testing.TB, body string) string {
	t.Helper()
	err := client(t, "quay.example", always(reply{status: 200, body: body})).
		Check(t.Context(), challenge("https://quay.example/v2/auth"), login, quay.Permission{Repository: "acme/app", Action: "pull"})
	var refusal *quay.Refusal
	var unbelievable *endpoint.Unbelievable
	switch {
	case err == nil:
		return "granted"
	case errors.As(err, &refusal) && refusal.Reason == quay.NotGranted:
		return "not granted"
	case errors.As(err, &unbelievable):
		return "not believed"
	}
	return err.Error()
}

func FuzzGranted(f *testing.F) {
	f.Add(`{"access":[{"type":"repository","name":"acme/app","actions":["pull"]}]}`)
	f.Add(`{"access":[{"Type":"repository","NAME":"acme/app","actions":[null]}]}`)
	f.Add(`{"access":[null,{}]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		got := checked(t, asJSON(t, "token", jwt(t, payload)))
		if got != "granted" && got != "not granted" && got != "not believed" {
			t.Errorf("%q: %s", payload, got)
		}
		if got == "granted" && !strings.Contains(strings.ToLower(payload), "access") {
			t.Errorf("%q grants pull", payload)
		}
	})
}
