// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/jwt"
)

const subjectOfDepot = "repo:depot/app:ref:refs/heads/main"

// organizationRun asks a sandbox what a real Quay was asked.
type organizationRun struct {
	*testing.T
	sb        *Sandbox
	prototype string // the id of the first one
	page      string // the last next_page
}

func TestOrganizationContract(t *testing.T) {
	t.Parallel()
	cases := organizationCases(t)
	tokens := []APIToken{{Token: "default alice", User: "alice", Organizations: []string{"alorg", "depot"}}, {Token: "default carol", User: "carol"}}
	for _, c := range cases {
		if c.Scopes != "" {
			tokens = append(tokens, APIToken{Token: c.Scopes + " " + c.AskedBy, User: c.AskedBy, Superuser: c.AskedBy == "admin", Scopes: strings.Fields(c.Scopes)})
		}
	}
	run := &organizationRun{T: t, sb: start(t, Config{APITokens: tokens, Robots: []Robot{{Name: "alice+q-all"}}})}
	for _, name := range []string{"r-all", "r-org", "r-user"} {
		run.sb.AddRepository("alice/"+name, database.Normal)
	}
	run.sb.SetRobot(Robot{Name: "alice+q-user", Grants: map[string]Role{"alice/r-user": Write}})
	before := run.states()
	for _, c := range cases {
		if prepare := before[c.name]; prepare != nil {
			prepare()
			delete(before, c.name)
		}
		got := run.ask(c)
		t.Run(c.name, func(t *testing.T) { run.compare(t, got, c) })
	}
	for name := range before {
		t.Errorf("there is no case %q", name)
	}
}

// states are what was done between the recorded requests, by the case that it
// comes before.
func (r *organizationRun) states() map[string]func() {
	sb, settings := r.sb, r.sb.quay.Settings
	return map[string]func(){
		"repo create, nested name": func() {
			for _, name := range []string{"base", "tools"} {
				sb.CreateRepository(database.Repository{Name: "depot/" + name}, "alice")
			}
		},
		"perm put, team": func() { sb.Grant("depot+ci", "depot/base", Read) },
		"repo list, page 1 of 2": func() {
			sb.CreateRepository(database.Repository{Name: "manyorg/repo-001"}, "alice")
			for i := range 103 {
				sb.CreateRepository(database.Repository{Name: fmt.Sprintf("manyorg/repo-%03d", i)}, "alice")
			}
		},
		"org logs, exchange": r.logins,
		"org logs, login":    func() { r.login("depot+oldbot", r.password("depot+oldbot"), "") },
		"repo list, states": func() {
			sb.AddRepository("depot/base", database.ReadOnly)
			sb.AddRepository("depot/tools", database.Mirror)
			sb.Grant("depot+fedbot", "depot/base", Write)
			sb.Grant("depot+fedbot", "depot/tools", Write)
		},
		"health instance, database down": func() { sb.SetDatabaseDown(true) },
		"config":                         func() { sb.SetDatabaseDown(false) },
		"config, ROBOTS_DISALLOW": func() {
			settings.RobotsDisallow = true
			r.federate("fedbot", r.entry("good", subjectOfDepot), r.entry("github", "repo:acme/app:ref:refs/heads/main"))
		},
		"config, read-only registry": func() { settings.RobotsDisallow, settings.ReadOnly = false, true },
		"full access superuser: robot create, unknown organization": func() {
			settings.ReadOnly, settings.SuperusersFullAccess = false, true
		},
		"team member delete": func() { settings.SuperusersFullAccess = false },
		"robot get, before a federated login": func() {
			r.must("PUT", "/api/v1/organization/depot/robots/timebot", "{}", nil)
			r.federate("timebot", r.entry("good", subjectOfDepot))
		},
		"robot get, after the exchange": func() { r.exchange("depot+timebot") },
		"robot get, after /v2/auth with the robot token": func() {
			r.login("depot+timebot", r.exchange("depot+timebot"), "")
		},
		"repo list, user:read only": func() { sb.AddRepository("depot/base", database.Normal) },
	}
}

// logins are a robot that logs in by federation, one by its password, and one that
// does not.
func (r *organizationRun) logins() {
	for _, name := range []string{"fedbot", "oldbot", "unused"} {
		r.must("PUT", "/api/v1/organization/depot/robots/"+name, "{}", nil)
		r.must("PUT", "/api/v1/repository/depot/app/permissions/user/depot+"+name, `{"role": "write"}`, nil)
	}
	r.federate("fedbot", r.entry("good", subjectOfDepot))
	passwords := map[string]string{"fedbot": r.exchange("depot+fedbot"), "oldbot": r.password("depot+oldbot")}
	for _, name := range []string{"fedbot", "oldbot"} {
		bearer := r.login("depot+"+name, passwords[name], "&scope=repository:depot/app:pull,push")
		image := "/v2/depot/app/manifests/v-" + name
		authorized := func(request *http.Request) {
			request.Header.Set("Authorization", "Bearer "+bearer)
			request.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		}
		r.must("PUT", image, `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}`, authorized)
		r.must("GET", image, "", authorized)
	}
}

func (r *organizationRun) entry(issuer, subject string) string {
	return fmt.Sprintf(`{"issuer": "%s/issuers/%s", "subject": %q}`, r.sb.URL, issuer, subject)
}

func (r *organizationRun) federate(robot string, entries ...string) {
	r.must("POST", "/api/v1/organization/depot/robots/"+robot+"/federation", "["+strings.Join(entries, ",")+"]", nil)
}

func (r *organizationRun) password(robot string) string {
	stored, _ := r.sb.Robot(robot)
	return stored.Password
}

func (r *organizationRun) idToken() string {
	return mint(r.T, r.sb, Token{Issuer: "good", Subject: subjectOfDepot})
}

func (r *organizationRun) exchange(robot string) string {
	return bearerOf(r.T, mustAsk(r.T, r.sb, "GET", exchangePath, basic(robot, r.idToken())))
}

func (r *organizationRun) login(robot, password, scope string) string {
	return bearerOf(r.T, mustAsk(r.T, r.sb, "GET", "/v2/auth?service="+r.sb.Host+scope, basic(robot, password)))
}

// must makes a request of alice that succeeds.
func (r *organizationRun) must(method, path, body string, prepare func(*http.Request)) {
	r.Helper()
	c := apiCall(method, path, "default alice", body)
	if prepare == nil {
		prepare = func(*http.Request) {}
	}
	if got := mustAsk(r.T, r.sb, method, path, c.prepare, prepare); got.status >= 300 {
		r.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
	}
}

// ask repeats a recorded request, with the dates, ids and pages of this run.
func (r *organizationRun) ask(c organizationCase) reply {
	r.Helper()
	method, path, _ := strings.Cut(c.Request, " ")
	now := r.sb.Now().UTC()
	path = strings.NewReplacer(
		"11/29/2026", now.Format("01/02/2006"), "11/30/2026", now.AddDate(0, 0, 1).Format("01/02/2006"), "11/01/2026", now.AddDate(0, 0, -28).Format("01/02/2006"),
		"1c41a84e-718f-47d9-8e83-b76574e89aea", r.prototype, "gAAAAA…", url.QueryEscape(r.page), "quay.example", r.sb.Host,
	).Replace(path)
	body := ""
	if c.Sent != nil {
		text, err := json.Marshal(c.Sent)
		if err != nil {
			r.Fatal(err)
		}
		body = strings.Replace(string(text), "x repeated 256 times", strings.Repeat("x", 256), 1)
	}
	asked := apiCall(method, path, "", body).prepare
	robot, with, _ := strings.Cut(c.AskedBy, " ")
	login := func(*http.Request) {}
	switch {
	case c.Scopes != "":
		login = authorization("Bearer " + c.Scopes + " " + c.AskedBy)
	case with == "with its password":
		login = basic(robot, r.password(robot))
	case with == "with an ID token":
		login = basic(robot, r.idToken())
	case strings.HasPrefix(with, "with its robot token"):
		login = basic(robot, r.exchange(robot))
	case with == "":
		login = basic(robot, "WRONG")
	}
	return mustAsk(r.T, r.sb, method, path, asked, login)
}

func (r *organizationRun) compare(t *testing.T, got reply, want organizationCase) {
	if contentType := got.header.Get("Content-Type"); got.status != want.Status || contentType != want.ContentType {
		t.Fatalf("%d %s %s, want %d %s %s", got.status, contentType, got.body, want.Status, want.ContentType, want.Body)
	}
	body := strings.NewReplacer(r.sb.URL+"/issuers/", "https://issuer.example/", r.sb.Host, "quay.example", strings.Repeat("x", 256), "xxx…").Replace(got.body)
	if title := titlePattern.FindStringSubmatch(want.Body); title != nil {
		if !strings.Contains(body, "<title>"+title[1]+"</title>") {
			t.Errorf("%s, want the title %q", body, title[1])
		}
		return
	}
	var expected, answered any
	if json.Unmarshal([]byte(strings.ReplaceAll(want.Body, "{…}", `"{…}"`)), &expected) != nil { // cut off
		if begin := strings.TrimSuffix(want.Body, "…"); !strings.HasPrefix(body, begin) {
			t.Errorf("%s, want %s", body, begin)
		}
		return
	}
	if err := json.Unmarshal([]byte(body), &answered); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if object, ok := answered.(map[string]any); ok {
		r.learn(object, want.Body)
	}
	part := strings.Contains(want.Request, "logs") || strings.HasSuffix(want.Request, "/config") || want.name == "robots list, last_accessed"
	if d := difference("body", answered, expected, part); d != "" {
		t.Error(d)
	}
}

// learn notes what later requests refer to, and shows what a bearer may do.
func (r *organizationRun) learn(answered map[string]any, recorded string) {
	if id, ok := answered["id"].(string); ok && r.prototype == "" {
		r.prototype = id
	}
	if page, ok := answered["next_page"].(string); ok {
		r.page = page
	}
	if !strings.Contains(recorded, "access in the token") {
		return
	}
	bearer, err := jwt.Parse(answered["token"].(string))
	if err != nil {
		r.Fatal(err)
	}
	answered["access in the token"] = bearer.Claims["access"]
}
