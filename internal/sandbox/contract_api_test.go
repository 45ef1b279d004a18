// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox/platform"
)

// The tokens of the contract's cases: one of everything, one whose user
// administers nothing, one with too small a scope.
const (
	all, nobody, small = "TOKEN-OF-ALL", "TOKEN-OF-NOBODY", "TOKEN-OF-SMALL"
)

func apiTokens() []APIToken {
	organizations := []string{"suite", "ciorg"}
	return []APIToken{
		{Token: all, User: "admin", Organizations: organizations},
		{Token: nobody, User: "nobody"},
		{Token: small, User: "admin", Organizations: organizations, Scopes: []string{"repo:read"}},
	}
}

// call makes a request to the API; body "" sends none.
func apiCall(method, path, token, body string) contractRequest {
	return contractRequest{method, path, func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
	}}
}

// federationRequests are the fed cases of replies.json.
func federationRequests(sb *Sandbox) map[string]contractRequest {
	const robot, personal = "/api/v1/organization/suite/robots/post/federation", "/api/v1/user/robots/fed/federation"
	subject := platform.DefaultSubject("good")
	entry := func(issuer string) string {
		return fmt.Sprintf(`{"issuer": %q, "subject": %q}`, issuer, subject)
	}
	post := func(body string) contractRequest { return apiCall("POST", robot, all, body) }
	var several []string
	for _, issuer := range []string{"good", "d500", "d404", "dhtml", "dempty", "dredir", "dother", "dslash"} {
		several = append(several, entry(sb.URL+"/issuers/"+issuer))
	}
	own := "[" + entry(sb.URL+"/issuers/good") + "]"
	return map[string]contractRequest{
		"fed POST":                  post("[" + strings.Join(several, ",") + "]"),
		"fed POST object":           post(`{}`),
		"fed POST []":               post(`[]`),
		"fed POST missing subject":  post(`[{"subject": null}]`),
		"fed POST no subject":       post(`[{"issuer": "https://issuer.example"}]`),
		"fed POST empty subject":    post(`[{"issuer": "https://issuer.example", "subject": ""}]`),
		"fed POST no scheme":        post(`[{"issuer": "issuer.example", "subject": "s"}]`),
		"fed POST dup":              post("[" + entry("https://issuer.example") + "," + entry("https://issuer.example") + "]"),
		"fed POST [{}]":             post(`[{}]`),
		"fed POST ['x']":            post(`["x"]`),
		"fed POST audiences":        post(strings.Replace("["+entry("https://issuer.example")+"]", "}", `, "audiences": ["quay"]}`, 1)),
		"fed POST no token":         apiCall("POST", robot, "", own),
		"fed GET":                   apiCall("GET", "/api/v1/organization/suite/robots/fed/federation", all, ""),
		"fed GET no token":          apiCall("GET", robot, "", ""),
		"fed GET unknown robot":     apiCall("GET", "/api/v1/organization/suite/robots/nobody/federation", all, ""),
		"fed GET unknown org":       apiCall("GET", "/api/v1/organization/nowhere/robots/rr/federation", all, ""),
		"fed DELETE":                apiCall("DELETE", "/api/v1/organization/suite/robots/nofed/federation", all, ""),
		"user fed GET":              contractRequest{"GET", strings.Replace(personal, "fed/", "mine2/", 1), authorization("Bearer " + all)},
		"user fed POST":             apiCall("POST", personal, all, own),
		"user ns via org path POST": apiCall("POST", "/api/v1/organization/admin/robots/fed/federation", all, own),
	}
}

// apiStep is a case of api-replies.json.
type apiStep struct {
	name                      string
	method, path, token, body string
}

// apiSteps are the cases in an order in which each finds what it needs.
func apiSteps() []apiStep {
	const (
		robots     = "/api/v1/organization/ciorg/robots"
		bot        = robots + "/apibot"
		repository = "/api/v1/repository"
		permission = repository + "/ciorg/app/permissions/user/"
		create     = `{"description": "CI"}`
		apirepo    = `{"namespace": "ciorg", "repository": "apirepo", "visibility": "private", "description": ""}`
	)
	return []apiStep{
		{"robot create", "PUT", bot, all, create},
		{"robot create again", "PUT", bot, all, create},
		{"robot create bad name", "PUT", robots + "/Api-Bot!", all, create},
		{"robot create short name", "PUT", robots + "/x", all, create},
		{"robot create unknown org", "PUT", "/api/v1/organization/nowhere/robots/apibot", all, create},
		{"robot create no rights", "PUT", robots + "/other", nobody, create},
		{"robot create small scope", "PUT", robots + "/other", small, create},
		{"robot get", "GET", bot, all, ""},
		{"robot get unknown", "GET", robots + "/nosuch", all, ""},
		{"robot list", "GET", robots + "?permissions=true&token=false", all, ""},
		{"perm put", "PUT", permission + "ciorg+apibot", all, `{"role": "write"}`},
		{"perm put same", "PUT", permission + "ciorg+apibot", all, `{"role": "write"}`},
		{"perm put bad role", "PUT", permission + "ciorg+apibot", all, `{"role": "owner"}`},
		{"perm put unknown robot", "PUT", permission + "ciorg+nosuch", all, `{"role": "write"}`},
		{"perm put robot of another org", "PUT", permission + "admin+mine", all, `{"role": "write"}`},
		{"perm put unknown repo", "PUT", repository + "/ciorg/nosuch/permissions/user/ciorg+apibot", all, `{"role": "write"}`},
		{"perm put no rights", "PUT", permission + "ciorg+apibot", nobody, `{"role": "write"}`},
		{"perm get", "GET", permission + "ciorg+apibot", all, ""},
		{"perm get none", "GET", permission + "ciorg+none", all, ""},
		{"perm list", "GET", permission, all, ""},
		{"perm delete", "DELETE", permission + "ciorg+apibot", all, ""},
		{"repo create", "POST", repository, all, apirepo},
		{"repo create again", "POST", repository, all, apirepo},
		{"repo create bad name", "POST", repository, all, strings.Replace(apirepo, "apirepo", "Bad Name", 1)},
		{"repo create unknown org", "POST", repository, all, strings.Replace(apirepo, "ciorg", "nowhere", 1)},
		{"repo create no rights", "POST", repository, nobody, apirepo},
		{"repo get", "GET", repository + "/ciorg/apirepo", all, ""},
		{"repo get unknown", "GET", repository + "/ciorg/nosuch", all, ""},
		{"org get unknown", "GET", "/api/v1/organization/nowhere", all, ""},
		{"user bad token", "GET", "/api/v1/user/", "WRONG", ""},
		{"robot delete", "DELETE", bot, all, ""},
		{"robot delete unknown", "DELETE", bot, all, ""},
	}
}

// changing is what differs from one recording to the next, and how it is told.
var changing = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`"created": "[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000"`), `"created": "DATE"`},
	{regexp.MustCompile(`"token": "(<STATIC>|QUAYSANDBOXSECRET\w+)"`), `"token": "STATIC"`},
	{regexp.MustCompile(`"status_token": "[0-9a-f-]{36}"`), `"status_token": "ID"`},
	{regexp.MustCompile(`"avatar": \{[^}]*(\}|$)`), `"avatar": {}`},
}

func settled(text string) string {
	for _, c := range changing {
		text = c.pattern.ReplaceAllString(text, c.stands)
	}
	return text
}

func TestAPIContract(t *testing.T) {
	text, err := os.ReadFile("../../testdata/quay/api-replies.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases map[string]recorded }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	sb := start(t, Config{APITokens: apiTokens(), Repositories: []string{"ciorg/app"}, Robots: []Robot{
		{Name: "ciorg+gh", Description: "gh", Grants: map[string]Role{"ciorg/app": Write}}, {Name: "admin+mine"}, {Name: "ciorg+none"},
	}})
	for _, step := range apiSteps() {
		want, ok := file.Cases[step.name]
		if !ok {
			t.Fatalf("no case %q is recorded", step.name)
		}
		delete(file.Cases, step.name)
		c := apiCall(step.method, step.path, step.token, step.body)
		got := mustAsk(t, sb, c.method, c.path, c.prepare)
		got.body, want.Body = settled(got.body), settled(want.Body)
		switch step.name {
		case "robot list": // there are more here
			want.Body = strings.Replace(want.Body, `{"name": "ciorg+gh"`, `{"name": "ciorg+none", "created": "DATE", "last_accessed": null, "teams": [], "repositories": [], "description": ""}, {"name": "ciorg+gh"`, 1)
		case "perm list": // of other robots
			want.Body = `{"permissions": {"ciorg+apibot": ` + permitted("ciorg+apibot") + `, "ciorg+gh": ` + permitted("ciorg+gh") + `}}`
		}
		t.Run(step.name, func(t *testing.T) { compare(t, sb, got, nil, want) })
	}
	for name := range file.Cases {
		t.Errorf("case %q is not tested", name)
	}
}

func permitted(robot string) string {
	return `{"role": "write", "name": "` + robot + `", "is_robot": true, "avatar": {}, "is_org_member": true}`
}

func TestRobotsOfTheAPITokensUser(t *testing.T) {
	sb := start(t, Config{APITokens: apiTokens()})
	for _, step := range []apiStep{
		{"201", "PUT", "/api/v1/user/robots/mine", all, `{}`},
		{"200", "POST", "/api/v1/user/robots/mine/federation", all, `[{"issuer": "https://i", "subject": "s"}]`},
		{"200", "GET", "/api/v1/organization/admin/robots/mine/federation", all, ""},
		{"400", "GET", "/api/v1/user/robots/mine/federation", nobody, ""},
		{"403", "GET", "/api/v1/user/robots/mine/federation", small, ""},
		{"200", "GET", "/api/v1/user/", all, ""},
		{"401", "GET", "/api/v1/user/", small, ""},
	} {
		c := apiCall(step.method, step.path, step.token, step.body)
		if got := mustAsk(t, sb, c.method, c.path, c.prepare); fmt.Sprint(got.status) != step.name {
			t.Errorf("%s %s: %d %s", step.method, step.path, got.status, got.body)
		}
	}
}

func TestOddRequestsToTheAPI(t *testing.T) {
	const federation = "/api/v1/organization/acme/robots/ci/federation"
	robots := Config{APITokens: []APIToken{{Token: all, User: "admin", Organizations: []string{"acme"}}}}
	sb := start(t, robots)
	robots.ReadOnly = true
	readOnly := start(t, robots)
	for _, test := range []struct {
		sb     *Sandbox
		call   contractRequest
		status int
		words  string
	}{
		{sb, apiCall("POST", federation, all, `{`), 400, "that this server could not understand"},
		{sb, contractRequest{"POST", federation, authorization("Bearer " + all)}, 415, "Content-Type"},
		{sb, apiCall("PUT", federation, all, `[]`), 405, "not allowed"},
		{sb, apiCall("POST", federation, all, `[{"issuer": 1, "subject": "s"}]`), 400, "1 is not of type 'string'"},
		{sb, apiCall("POST", federation, all, `[{"issuer": "http://plain", "subject": "s"}]`), 200, "http://plain"},
		{sb, apiCall("DELETE", federation, "", ""), 403, "CSRF token was invalid"},
		{sb, apiCall("GET", "/api/v1/superuser/users/", all, ""), 501, "does not implement"},
		{sb, apiCall("GET", "/api/v1/organization/acme/applications", all, ""), 501, "does not implement"},
		{readOnly, apiCall("POST", federation, all, `[]`), 503, `"is_readonly":true`},
		{readOnly, apiCall("GET", federation, all, ""), 200, "issuer"},
	} {
		got := mustAsk(t, test.sb, test.call.method, test.call.path, test.call.prepare)
		if got.status != test.status || !strings.Contains(got.body, test.words) {
			t.Errorf("%s %s: %d %s", test.call.method, test.call.path, got.status, got.body)
		}
	}
}

func TestWhatTheAPIStoresIsWhatTheExchangeSees(t *testing.T) {
	for _, test := range []struct{ release, audience, want string }{
		{"3.18", "other", ""}, // dropped, so not checked
		{"next", "quay", ""},
		{"next", "other", "Token audience is not allowed for this robot"},
	} {
		sb := start(t, Config{Release: test.release, APITokens: apiTokens(), Robots: []Robot{{Name: "suite+new"}}})
		body := fmt.Sprintf(`[{"issuer": "%s/issuers/github", "subject": "%s", "audiences": ["quay"]}]`, sb.URL, platform.DefaultSubject("github"))
		c := apiCall("POST", "/api/v1/organization/suite/robots/new/federation", all, body)
		if got := mustAsk(t, sb, c.method, c.path, c.prepare); got.status != 200 {
			t.Fatalf("%s: %d %s", test.release, got.status, got.body)
		}
		got := mustAsk(t, sb, "GET", exchangePath, basic("suite+new", mint(t, sb, Token{Audience: []string{test.audience}})))
		if (got.status == 200) != (test.want == "") || test.want != "" && message(t, got) != test.want {
			t.Errorf("%s, audience %s: %d %s", test.release, test.audience, got.status, got.body)
		}
	}
}

func TestALaterQuayKeepsEntriesApart(t *testing.T) {
	sb := start(t, Config{Release: "next", APITokens: apiTokens(), Robots: []Robot{{Name: "suite+new"}}})
	save := func(body string) string {
		c := apiCall("POST", "/api/v1/organization/suite/robots/new/federation", all, body)
		return mustAsk(t, sb, c.method, c.path, c.prepare).body
	}
	first := save(`[{"issuer": "https://i", "subject": "s", "api_scopes": "repo:read", "unknown": 1}]`)
	if !strings.Contains(first, `"audiences": ["quay"], "api_scopes": "repo:read", "id": "`) || strings.Contains(first, "unknown") {
		t.Errorf("stored %s", first)
	}
	if again := save(first); again != first {
		t.Errorf("the same list was stored as %s, not %s", again, first)
	}
	if changed := save(strings.Replace(first, `["quay"]`, `["prod"]`, 1)); !strings.Contains(changed, `"version": 2`) {
		t.Errorf("another audience was stored as %s", changed)
	}
	if wrong := save(`[{"issuer": "https://i", "subject": "s", "audiences": []}]`); !strings.Contains(wrong, "Audiences must be a non-empty list") {
		t.Errorf("no audiences were stored as %s", wrong)
	}
}
