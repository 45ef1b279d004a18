// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox/database"
	"quay-keyless/internal/sandbox/platform"
)

// Of two clients that read, add and write at once, the first one loses its entry,
// and both are told 200.
func TestALaterListOverwritesAnEarlierOne(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: apiTokens(), Robots: []Robot{{Name: "suite+new"}}})
	const federation = "/api/v1/organization/suite/robots/new/federation"
	asked := func(method, body string) reply {
		c := apiCall(method, federation, all, body)
		return mustAsk(t, sb, c.method, c.path, c.prepare)
	}
	first, second := asked("GET", "").body, asked("GET", "").body
	for name, read := range map[string]string{"a": first, "b": second} {
		if strings.TrimSpace(read) != "[]" {
			t.Fatalf("%s read %s", name, read)
		}
	}
	for _, subject := range []string{"a", "b"} {
		if got := asked("POST", fmt.Sprintf(`[{"issuer": "https://i", "subject": %q}]`, subject)); got.status != 200 {
			t.Errorf("%s: %d %s", subject, got.status, got.body)
		}
	}
	if got := asked("GET", "").body; strings.Contains(got, `"a"`) || !strings.Contains(got, `"b"`) {
		t.Errorf("stored %s, want b's list alone", got)
	}
}

// A database can hold what the API refuses: one entry twice.
func TestDuplicateEntries(t *testing.T) {
	t.Parallel()
	twice := Entry{Issuer: "github", Subject: platform.DefaultSubject("github"), Audiences: []string{"quay"}}
	for release, want := range map[string]string{"3.18": "", "next": "Ambiguous federation binding for this robot"} {
		sb := start(t, Config{Release: release, APITokens: apiTokens(), Robots: []Robot{{Name: "suite+ci", Federation: []Entry{twice, twice}}}})
		got := mustAsk(t, sb, "GET", exchangePath, basic("suite+ci", mint(t, sb, Token{})))
		if (got.status == 200) != (want == "") || want != "" && message(t, got) != want {
			t.Errorf("%s: %d %s, want %q", release, got.status, got.body, want)
		}
		read := apiCall("GET", "/api/v1/organization/suite/robots/ci/federation", all, "")
		list := mustAsk(t, sb, read.method, read.path, read.prepare)
		write := apiCall("POST", read.path, all, list.body)
		if got := mustAsk(t, sb, write.method, write.path, write.prepare); strings.Count(list.body, "issuer\"") != 2 || got.status != 400 ||
			!strings.Contains(got.body, "Duplicate federation config entry") {
			t.Errorf("%s: the list %s was stored again with %d %s", release, list.body, got.status, got.body)
		}
	}
}

func TestNotBefore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		release string
		ahead   any
		want    string
	}{
		{"3.18", 3600, ""}, {"next", 20, ""},
		{"next", 60, "Invalid token: The token is not yet valid (nbf)"},
		{"next", "soon", "Invalid token: Not Before claim (nbf) must be an integer."},
	} {
		sb := start(t, Config{Release: test.release})
		claim := test.ahead
		if seconds, ok := claim.(int); ok {
			claim = sb.Now().Unix() + int64(seconds)
		}
		got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", mint(t, sb, Token{Claims: map[string]any{"nbf": claim}})))
		if (got.status == 200) != (test.want == "") || test.want != "" && message(t, got) != test.want {
			t.Errorf("%s, nbf %v: %d %s, want %q", test.release, test.ahead, got.status, got.body, test.want)
		}
	}
}

// The rest of the 120 requests that a real Quay and an earlier sandbox answered in
// different ways.
func TestUnknownRobotsHaveNoPermissions(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: apiTokens(), Repositories: []string{"admin/r", "suite/r"}})
	for _, test := range []struct{ method, repository, words string }{
		{"PUT", "admin/r", "Invalid username: admin+q"},
		{"PUT", "admin/none", "Invalid username: admin+q"},
		{"PUT", "suite/r", "Invalid username: admin+q"},
		{"GET", "admin/r", "User does not have permission for repo."},
	} {
		body := map[string]string{"PUT": `{"role": "write"}`}[test.method]
		c := apiCall(test.method, "/api/v1/repository/"+test.repository+"/permissions/user/admin+q", all, body)
		if got := mustAsk(t, sb, c.method, c.path, c.prepare); got.status != 400 || !strings.Contains(got.body, test.words) {
			t.Errorf("%s %s: %d %s, want 400 %s", test.method, test.repository, got.status, got.body, test.words)
		}
	}
}

func TestPagesEnd(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: apiTokens()})
	for i := range 250 {
		sb.AddRepository(fmt.Sprintf("suite/r%03d", i), database.Normal)
	}
	var names []string
	page := ""
	for range 4 { // one more than there are
		c := apiCall("GET", "/api/v1/repository?namespace=suite&next_page="+url.QueryEscape(page), all, "")
		var list struct {
			Repositories []struct{ Name string }
			NextPage     string `json:"next_page"`
		}
		if err := json.Unmarshal([]byte(mustAsk(t, sb, c.method, c.path, c.prepare).body), &list); err != nil {
			t.Fatal(err)
		}
		for _, repository := range list.Repositories {
			names = append(names, repository.Name)
		}
		if page = list.NextPage; page == "" {
			break
		}
	}
	if page != "" || len(names) != 250 || names[0] != "r000" || names[249] != "r249" {
		t.Errorf("%d repositories, and then the page %q", len(names), page)
	}
}

func TestDefaultPermissionsOfNewRepositories(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: apiTokens(), Robots: []Robot{{Name: "suite+all"}, {Name: "suite+other"}}})
	asked := func(method, path, body string) {
		c := apiCall(method, "/api/v1/"+path, all, body)
		if got := mustAsk(t, sb, c.method, c.path, c.prepare); got.status > 201 {
			t.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
		}
	}
	const prototype = `{"role": "read", "delegate": {"name": "suite+%s", "kind": "user"}%s}`
	asked("POST", "organization/suite/prototypes", fmt.Sprintf(prototype, "all", ""))
	asked("POST", "organization/suite/prototypes", fmt.Sprintf(prototype, "other", `, "activating_user": {"name": "suite+all"}`))
	asked("POST", "repository", `{"namespace": "suite", "repository": "new", "visibility": "private", "description": ""}`)
	for name, want := range map[string]int{"admin": 1, "suite+all": 1, "suite+other": 0} {
		if roles := sb.Roles(name, "suite/new"); len(roles) != want {
			t.Errorf("%s has %v, want %d roles", name, roles, want)
		}
	}
}

// Without a starttime the log covers the last day. A password login later than an
// hour after an exchange shows in last_accessed.
func TestTheLogCoversADay(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: []APIToken{{Token: all, User: "admin", Organizations: []string{"acme"}}}})
	began := sb.Now().UTC()
	exchanged(t, sb, "acme+ci")
	sb.Advance(49 * time.Hour)
	robot, _ := sb.Robot("acme+ci")
	if got := mustAsk(t, sb, "GET", "/v2/auth", basic("acme+ci", robot.Password)); got.status != 200 {
		t.Fatalf("login: %d %s", got.status, got.body)
	}
	for query, want := range map[string][2]bool{
		"": {false, true},
		"?starttime=" + began.Format("01/02/2006"):                                            {true, true},
		"?starttime=" + began.Format("01/02/2006") + "&endtime=" + began.Format("01/02/2006"): {true, false},
		"?starttime=" + began.Format("2006-01-02"):                                            {false, true},
		"?performer=acme%2Bci&starttime=" + began.Format("01/02/2006"):                        {false, true},
		"?performer=acme%2Breader":                                                            {false, false},
	} {
		c := apiCall("GET", "/api/v1/organization/acme/logs"+query, all, "")
		got := mustAsk(t, sb, c.method, c.path, c.prepare).body
		if has := [2]bool{strings.Contains(got, "federated_robot_token_exchange"), strings.Contains(got, "login_success")}; has != want {
			t.Errorf("%q: has the exchange and the login %v, want %v: %s", query, has, want, got)
		}
	}
	if robot, _ := sb.Robot("acme+ci"); !robot.LastAccessed.Equal(sb.Now()) {
		t.Errorf("last accessed %v, want %v", robot.LastAccessed, sb.Now())
	}
}

// What was not measured is not made up.
func TestAMembersViewOfTheOrganizationIsNotImplemented(t *testing.T) {
	t.Parallel()
	sb := start(t, Config{APITokens: append(apiTokens(), APIToken{Token: "CAROL", User: "carol"})})
	sb.ChangeOrganization("suite", func(o *database.Organization) {
		o.Teams = append(o.Teams, &database.Team{Name: "builders", Role: "member", Members: []string{"carol"}})
	})
	c := apiCall("GET", "/api/v1/organization/suite", "CAROL", "")
	if got := mustAsk(t, sb, c.method, c.path, c.prepare); got.status != 501 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
