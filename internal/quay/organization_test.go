// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/quay"
)

// recorded is a Quay that answers as a real one did, by testdata/quay/org-replies.json.
// Names are of its cases.
func recorded(t testing.TB, names ...string) *server {
	t.Helper()
	text, err := os.ReadFile("../../testdata/quay/org-replies.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases map[string]struct {
			Request, Body string
			Status        int
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	answers := map[string]reply{}
	for _, name := range names {
		c, ok := file.Cases[name]
		if !ok {
			t.Fatalf("there is no case %q", name)
		}
		answers[c.Request] = reply{status: c.Status, body: strings.NewReplacer("{…}", "{}", `, "… 98 more"`, "", `, "next_page": "gAAAAA…"`, "").Replace(c.Body)}
	}
	return &server{answer: func(request *http.Request) reply {
		for asked, answer := range answers {
			method, path, _ := strings.Cut(asked, " ")
			path, _, _ = strings.Cut(path, "?")
			if method == request.Method && path == request.URL.Path {
				return answer
			}
		}
		return reply{status: 599}
	}}
}

func TestAnOrganizationAsQuayShowsIt(t *testing.T) {
	t.Parallel()
	transport := recorded(t, "robots list, last_accessed", "robot permissions", "repo list, states", "org get with teams", "team members", "team permissions", "prototypes", "org logs, exchange")
	a := api(t, transport)
	robots, err := a.Robots(t.Context(), "depot")
	accessed := time.Date(2026, 11, 29, 23, 29, 49, 0, time.UTC)
	if err != nil || len(robots) != 3 || robots[1].Name != "depot+oldbot" || !robots[1].LastAccessed.Equal(accessed) || !robots[0].LastAccessed.IsZero() {
		t.Errorf("robots %+v, %v", robots, err)
	}
	if query := transport.seen[0].URL.Query(); query.Get("token") != "false" {
		t.Errorf("asked for passwords: %v", query)
	}
	grants, err := a.Account(quay.Robot{Namespace: "depot", Name: "ci"}).Grants(t.Context())
	if want := []quay.Grant{{Repository: "depot/app", Role: "write"}, {Repository: "depot/base", Role: "read"}}; err != nil || !slices.Equal(grants, want) {
		t.Errorf("grants %v, %v", grants, err)
	}
	repositories, err := a.Repositories(t.Context(), "depot")
	if err != nil || len(repositories) != 5 || repositories[1].State != "READ_ONLY" || repositories[2].State != "MIRROR" || repositories[3].Name != "team/app" {
		t.Errorf("repositories %+v, %v", repositories, err)
	}
	teams, err := a.Teams(t.Context(), "depot")
	if err != nil || len(teams) != 3 || teams[0] != (quay.Team{Name: "owners", Role: "admin"}) {
		t.Errorf("teams %+v, %v", teams, err)
	}
	members, err := a.TeamMembers(t.Context(), "depot", "builders")
	if err != nil || !slices.Equal(members, []string{"depot+ci", "carol", "alice+laptop"}) {
		t.Errorf("members %v, %v", members, err)
	}
	if grants, err := a.TeamGrants(t.Context(), "depot", "builders"); err != nil || fmt.Sprint(grants) != "[{depot/base write}]" {
		t.Errorf("the team's grants %v, %v", grants, err)
	}
	defaults, err := a.DefaultGrants(t.Context(), "depot")
	if want := []quay.DefaultGrant{{Delegate: "builders", Team: true, Creator: "alice", Role: "write"}, {Delegate: "depot+ci", Role: "read"}}; err != nil || !slices.Equal(defaults, want) {
		t.Errorf("default grants %+v, %v", defaults, err)
	}
	log, from, err := a.Log(t.Context(), "depot", accessed, 100)
	if err != nil || !from.Equal(accessed) || len(log) != 1 || log[0].Robot != "depot+fedbot" || log[0].Subject != "repo:depot/app:ref:refs/heads/main" || log[0].Time.IsZero() {
		t.Errorf("log %+v, %v", log, err)
	}
}

func TestPagesThatRepeatAreAnError(t *testing.T) {
	t.Parallel()
	transport := always(reply{status: 200, body: `{"repositories": [{"name": "a"}], "next_page": "x"}`})
	if list, err := api(t, transport).Repositories(t.Context(), "acme"); err == nil || len(transport.seen) != 2 {
		t.Errorf("%v, %v after %d requests", list, err, len(transport.seen))
	}
	asked := 0
	moving := &server{answer: func(*http.Request) reply {
		asked++
		return reply{status: 200, body: fmt.Sprintf(`{"repositories": [{"name": "a"}], "next_page": "%d"}`, asked)}
	}}
	if list, err := api(t, moving).Repositories(t.Context(), "acme"); err == nil || asked != 2 {
		t.Errorf("%v, %v after %d requests", list, err, asked)
	}
}

// A long log is read only in part, and it is told back to when.
func TestALogIsReadInPart(t *testing.T) {
	t.Parallel()
	asked := 0
	endless := &server{answer: func(*http.Request) reply {
		asked++
		return reply{status: 200, body: fmt.Sprintf(`{"logs": [{"kind": "pull_repo", "datetime": "Sun, 29 Nov 2026 23:%02d:00 -0000"}], "next_page": "%d"}`, 60-asked, asked)}
	}}
	log, from, err := api(t, endless).Log(t.Context(), "acme", time.Time{}, 3)
	if err != nil || len(log) != 3 || asked != 3 || from.Minute() != 57 {
		t.Errorf("%d events back to %s by %d requests, %v", len(log), from, asked, err)
	}
}

// Which refusals of the API are about a namespace that does not exist, or a person's.
func TestWhoseNamespaceItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		cases []string
		robot quay.Robot
		want  quay.Reason
	}{
		{"unknown organization", []string{"org federation get, unknown organization", "org get, unknown"}, quay.Robot{Namespace: "nosuch", Name: "ci"}, quay.NoOwner},
		{"unknown organization, as a superuser", []string{"full access superuser: federation get, unknown organization", "org get, unknown"}, quay.Robot{Namespace: "nosuch", Name: "ci"}, quay.NoOwner},
		{"not a member", []string{"org federation get, not a member", "org get"}, quay.Robot{Namespace: "depot", Name: "ci"}, quay.NotAllowed},
		{"another person", []string{"personal federation through the organization path, another user", "org get, a user's name", "users get"}, quay.Robot{Namespace: "alice", Name: "laptop"}, quay.NotOwner},
	} {
		transport := recorded(t, test.cases...)
		answer := transport.answer
		transport.answer = func(request *http.Request) reply {
			r := answer(request)
			if request.URL.Path == "/api/v1/users/nosuch" {
				r = reply{status: 404, body: `{"message": "The requested URL was not found on the server."}`}
			}
			return r
		}
		_, err := api(t, transport).Account(test.robot).Federation(t.Context())
		var refusal *quay.Refusal
		if !errors.As(err, &refusal) || refusal.Reason != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAPersonalRobotIsMadeAtItsOwnAddress(t *testing.T) {
	t.Parallel()
	laptop := quay.Robot{Namespace: "alice", Name: "laptop"}
	transport := recorded(t, "user get, user:admin", "personal robot create")
	answer := transport.answer
	transport.answer = func(request *http.Request) reply {
		if request.URL.Path == "/api/v1/organization/alice/robots/laptop" {
			return reply{status: 400, body: `{"message": "Organization does not exist: alice"}`}
		}
		return answer(request)
	}
	if err := api(t, transport).Account(laptop).Create(t.Context(), "mine"); err != nil || transport.asked("/api/v1/user/robots/laptop") != 1 {
		t.Errorf("%v", err)
	}
	transport = recorded(t, "user get, org:admin only", "personal robot create through the organization path", "org get, a user's name", "users get")
	err := api(t, transport).Account(quay.Robot{Namespace: "alice", Name: "viaorg"}).Create(t.Context(), "")
	if refusal := (*quay.Refusal)(nil); !errors.As(err, &refusal) || refusal.Reason != quay.NotOwner {
		t.Errorf("%v", err)
	}
}

func TestWhatQuayTellsAboutItself(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cases []string
		want  quay.State
	}{
		{[]string{"health instance, up", "config"}, quay.State{}},
		{[]string{"health instance, database down", "config, database down"}, quay.State{Failing: []string{"database"}}},
		{[]string{"health instance, up", "config, read-only registry"}, quay.State{ReadOnly: true}},
		{[]string{"health instance, up", "config, ROBOTS_DISALLOW"}, quay.State{RobotsDisabled: true}},
		{nil, quay.State{}},
	} {
		if got := client(t, "quay.example", recorded(t, test.cases...)).State(t.Context()); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v: %+v", test.cases, got)
		}
	}
}
