// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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

// store is Quay's federation API with a memory. What it saves goes through keep,
// and before each answer meanwhile may do something.
type store struct {
	list      string
	keep      func(string) string
	meanwhile func(s *store, method string)
	answers   []reply // given first, to POST

	asked []string
}

func (s *store) transport() *server {
	return &server{answer: func(request *http.Request) reply {
		s.asked = append(s.asked, request.Method)
		if s.meanwhile != nil {
			s.meanwhile(s, request.Method)
		}
		if request.Method == http.MethodGet {
			return reply{status: 200, body: s.list}
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return reply{err: err}
		}
		if len(s.answers) > 0 {
			answer := s.answers[0]
			s.answers = s.answers[1:]
			if answer.status != 0 {
				return answer
			}
			s.list = string(body) // it arrives, and the answer does not
			return answer
		}
		s.list = string(body)
		if s.keep != nil {
			s.list = s.keep(s.list)
		}
		return reply{status: 200, body: s.list}
	}}
}

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
	page := "<!doctype html><title>404 Not Found</title>"
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
		{"words that hold the token", reply{status: 400, body: `{"message":"header Bearer ` + apiToken + ` is odd"}`}, quay.Unrecognized,
			`quay.example refused: "header Bearer [secret] is odd" (HTTP 400)`},
		{"an address that holds the token", reply{status: 302, header: []string{"Location: https://sso.example/" + apiToken + "/x"}}, quay.Unrecognized,
			`quay.example redirects to "https://sso.example/[secret]/x" (HTTP 302), which is not followed with a credential`},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport := always(test.answer)
			_, err := api(t, transport).Account(ci).Federation(t.Context())
			var refusal *quay.Refusal
			if !errors.As(err, &refusal) || refusal.Reason != test.want || err.Error() != test.words {
				t.Errorf("got %v\nwant %s", err, test.words)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, refusal, *refusal), apiToken) {
				t.Errorf("the API token is in %#v", *refusal)
			}
			for _, request := range transport.seen {
				if request.URL.Path != federationPath && request.URL.Path != "/api/v1/user/" {
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
		`{"token":"x"}`:          "the API of quay.example answered with no list of federation entries",
		`[1]`:                    "the API of quay.example answered with a list whose entry 1 is no object",
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
		"somebody else's": personal("other", good),
		"before 3.17.2":   personal("acme", reply{status: 308, header: []string{"Location: https://quay.example" + personalPath + "/"}}),
	} {
		if _, err := api(t, transport).Account(ci).Federation(t.Context()); !errors.As(err, &refusal) || refusal.Reason != quay.NotAllowed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := api(t, personal("acme", reply{status: 400, body: unknownRobot})).Account(ci).Federation(t.Context()); !errors.As(err, &refusal) || refusal.Reason != quay.NoSuchRobot {
		t.Errorf("a personal robot that is not there: %v", err)
	}
}

func adding(issuer, subject string) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) {
		return stored.With(quay.NewEntry(issuer, subject)), nil
	}
}

func removing(issuer, subject string) quay.Edit {
	return func(stored quay.Entries) (quay.Entries, error) { return stored.Without(issuer, subject), nil }
}

const odd = `{"version":3, "issuer":"https://i","x":{"a":1.50},"subject":"s"}`

func TestAnEditReadsMergesWritesAndReads(t *testing.T) {
	t.Parallel()
	s := &store{list: "[" + odd + "]"}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.Before) != 1 || len(change.After) != 2 {
		t.Fatalf("%+v, %v", change, err)
	}
	if !slices.Equal(s.asked, []string{"GET", "POST", "GET"}) {
		t.Errorf("asked %v", s.asked)
	}
	if want := `[` + strings.Replace(odd, ", ", ",", 1) + `,{"issuer":"https://j","subject":"t"}]`; s.list != want {
		t.Errorf("stored %s, want %s", s.list, want)
	}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), removing("https://j", "t")); err != nil {
		t.Fatal(err)
	}
	if d := quay.Compare(parseEntries(t, "["+odd+"]"), parseEntries(t, s.list)); len(d) > 0 {
		t.Errorf("left %v", d)
	}
}

func TestNothingIsSentWhereNothingChanges(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]quay.Edit{
		"add":    func(stored quay.Entries) (quay.Entries, error) { return stored, nil },
		"remove": removing("https://i", "other"),
		"refuse": func(quay.Entries) (quay.Entries, error) { return nil, errors.New("no") },
	} {
		s := &store{list: "[" + odd + "]"}
		change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), edit)
		if (err != nil) != (name == "refuse") || change.After != nil || !slices.Equal(s.asked, []string{"GET"}) {
			t.Errorf("%s: %v, asked %v", name, err, s.asked)
		}
	}
}

func TestWhatIsStoredOtherwiseIsNamed(t *testing.T) {
	t.Parallel()
	drops := func(old string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, "", 1) }
	}
	for _, test := range []struct {
		name, list string
		keep       func(string) string
		want       string
	}{
		{"a field", `[{"issuer":"https://i","subject":"s","x":1}]`, drops(`,"x":1`), "in the entry with issuer https://i, subject s, x is none, not 1"},
		{"ours", `[]`, drops(`{"issuer":"https://j","subject":"t"}`), "the entry with issuer https://j, subject t is not there"},
		{"another's", `[{"issuer":"https://i","subject":"s"}]`, drops(`{"issuer":"https://i","subject":"s"},`), "the entry with issuer https://i, subject s is not there"},
		{"one more", `[]`, func(text string) string {
			return strings.Replace(text, "[", `[{"issuer":"https://k","subject":"u"},`, 1)
		},
			"there is another entry, with issuer https://k, subject u"},
	} {
		s := &store{list: test.list, keep: test.keep}
		_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
		var otherwise *quay.StoredOtherwise
		if !errors.As(err, &otherwise) || err.Error() != "quay.example has stored something else for acme+ci than was sent: "+test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestWhatQuayGivesEntriesIsNoDifference(t *testing.T) {
	t.Parallel()
	numbers := func(text string) string {
		return strings.NewReplacer(`"subject":"t"`, `"subject":"t","id":"1","version":1,"audiences":["quay"]`, `"version":7`, `"version":8`).Replace(text)
	}
	s := &store{list: `[]`, keep: numbers}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t")); err != nil {
		t.Error(err)
	}
	prod := func(stored quay.Entries) (quay.Entries, error) {
		entry, _ := stored.Find("https://i", "s")
		return stored.With(entry.WithAudiences([]string{"prod"})), nil
	}
	s = &store{list: `[{"issuer":"https://i","subject":"s","id":"1","version":7,"audiences":["quay"]}]`, keep: numbers}
	if _, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), prod); err != nil {
		t.Error(err)
	}
	for _, list := range []string{`[{"issuer":"https://i","subject":"s","id":"1","version":7}]`, `[{"issuer":"https://i","subject":"t"}]`} {
		s = &store{list: list, keep: numbers}
		_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://k", "new"))
		if err == nil || !strings.Contains(err.Error(), "version is 8, not 7") && !strings.Contains(err.Error(), `audiences is ["quay"], not none`) {
			t.Errorf("%s: %v", list, err)
		}
	}
}

func TestAnAttemptReadsImmediatelyBeforeItWrites(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{status: 502, body: "<title>Quay Loading</title>"}}}
	s.meanwhile = func(s *store, method string) { // somebody adds an entry while this one waits
		if len(s.asked) == 3 {
			s.list = `[{"issuer":"https://k","subject":"u"}]`
		}
	}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.After) != 2 || !slices.Equal(s.asked, []string{"GET", "POST", "GET", "POST", "GET"}) {
		t.Errorf("%v, asked %v, stored %s", err, s.asked, s.list)
	}
}

func TestAWriteWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{err: io.ErrUnexpectedEOF}}}
	change, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err != nil || len(change.Before) != 0 || len(change.After) != 1 || !slices.Equal(s.asked, []string{"GET", "POST", "GET", "GET"}) {
		t.Errorf("%v, asked %v, %+v", err, s.asked, change)
	}
}

// Two programs add at the same moment: both read, both write, both read again.
func TestOfTwoThatAddAtOnceTheLosingOneSeesIt(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`}
	s.meanwhile = func(s *store, method string) {
		if len(s.asked) == 3 { // between our write and our second look, the other writes what it had read before
			s.list = `[{"issuer":"https://k","subject":"u"}]`
		}
	}
	_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	if err == nil || !strings.Contains(err.Error(), "the entry with issuer https://j, subject t is not there; there is another entry, with issuer https://k") {
		t.Errorf("got %v", err)
	}
}

func TestAListThatCannotBeReadAgainWasSent(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`}
	s.meanwhile = func(s *store, _ string) {
		if len(s.asked) == 3 {
			s.list = "<title>Sign in</title>"
		}
	}
	_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	var page *endpoint.Unbelievable
	if !errors.As(err, &page) || !strings.HasPrefix(err.Error(), "the list was sent, and could not be read again: ") {
		t.Errorf("got %v", err)
	}
}

func TestAReadOnlyQuayIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	s := &store{list: `[]`, answers: []reply{{status: 503, body: readOnly}}}
	_, err := api(t, s.transport()).Account(ci).EditFederation(t.Context(), adding("https://j", "t"))
	var refusal *quay.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != quay.ReadOnly || len(s.asked) != 2 {
		t.Errorf("%v, asked %v", err, s.asked)
	}
}

func TestCreateLooksAtNoPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer reply
		good   bool
	}{
		{reply{status: 201, body: `{"name": "acme+ci", "token": "PASSWORD"}`}, true},
		{reply{status: 201, body: `not even JSON with a PASSWORD`}, true},
		{reply{status: 400, body: `{"error_message": "Existing robot with name: acme+ci", "error_type": "invalid_request"}`}, true},
		{reply{status: 403, body: unauthorized}, false},
	} {
		transport := always(test.answer)
		err := api(t, transport).Account(ci).Create(t.Context(), "CI")
		if (err == nil) != test.good {
			t.Errorf("%s: %v", test.answer.body, err)
		}
		if request := transport.seen[0]; request.Method != "PUT" || request.URL.Path != "/api/v1/organization/acme/robots/ci" {
			t.Errorf("%s %s", request.Method, request.URL)
		}
	}
}

func TestRolesOnRepositories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer reply
		want   quay.Role
		good   bool
	}{
		{reply{status: 200, body: `{"role": "write", "name": "acme+ci"}`}, "write", true},
		{reply{status: 400, body: `{"message":"User does not have permission for repo."}`}, "", true},
		{reply{status: 200, body: `{"role": "owner"}`}, "", false},
		{reply{status: 403, body: unauthorized}, "", false},
	} {
		got, err := api(t, always(test.answer)).Role(t.Context(), ci, "acme/app")
		if got != test.want || (err == nil) != test.good {
			t.Errorf("%s: %q, %v", test.answer.body, got, err)
		}
	}
	transport := always(reply{status: 200, body: `{}`})
	if err := api(t, transport).Grant(t.Context(), ci, quay.Grant{Repository: "acme/app", Role: "write"}); err != nil {
		t.Fatal(err)
	}
	request := transport.seen[0]
	body, _ := io.ReadAll(request.Body)
	if request.URL.Path != "/api/v1/repository/acme/app/permissions/user/acme+ci" || string(body) != `{"role":"write"}` {
		t.Errorf("%s %s %s", request.Method, request.URL, body)
	}
	for _, low := range []quay.Role{"", "read", "write"} {
		if !quay.Role("write").Includes(low) || low != "write" && low.Includes("write") {
			t.Errorf("write and %q", low)
		}
	}
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	notFound := `{"detail": "Not Found", "error_message": "Not Found", "error_type": "not_found", "status": 404}`
	for body, status := range map[string]int{`{"name":"app"}`: 200, notFound: 404, "<title>404</title>": 404, unauthorized: 403} {
		there, err := api(t, always(reply{status: status, body: body})).RepositoryExists(t.Context(), "acme/app")
		if there != (status == 200) || (err == nil) != (status == 200 || body == notFound) {
			t.Errorf("%d %s: %t, %v", status, body, there, err)
		}
	}
	transport := always(reply{status: 400, body: `{"error_message": "Repository already exists", "error_type": "invalid_request"}`})
	if err := api(t, transport).CreateRepository(t.Context(), "acme/app"); err != nil {
		t.Error(err)
	}
	body, _ := io.ReadAll(transport.seen[0].Body)
	if string(body) != `{"description":"","namespace":"acme","repo_kind":"image","repository":"app","visibility":"private"}` {
		t.Errorf("sent %s", body)
	}
}

func TestParseGrant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quay.Grant{
		"acme/app=write":     {Repository: "acme/app", Role: "write"},
		"app=read":           {Repository: "acme/app", Role: "read"},
		"acme/group/a=admin": {Repository: "acme/group/a", Role: "admin"},
		"app":                {}, "app=owner": {}, "app=": {}, "=write": {}, "other/app=read": {}, "quay.io/acme/app=read": {}, "acme/App=read": {}, "acme/../x=read": {},
	} {
		got, err := quay.ParseGrant(text, ci)
		if got != want || (err == nil) != (want.Role != "") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

// FuzzRefusalsOfTheAPI looks for an answer that gets the API token into an
// error, or ends in anything but one.
func FuzzRefusalsOfTheAPI(f *testing.F) {
	for _, body := range []string{unknownRobot, unauthorized, noToken, readOnly, `{"error_message":7}`, "<title>" + apiToken + "</title>", `{"errors":[{"message":"` + apiToken + `"}]}`, "[]", ""} {
		for _, status := range []int{302, 308, 400, 401, 403, 404, 405, 503} {
			f.Add(status, body, "https://quay.example/"+apiToken)
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
			return
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), apiToken) {
			t.Errorf("the API token is in %v", err)
		}
	})
}
