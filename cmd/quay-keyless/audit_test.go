// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/cli"
	org "quay-keyless/internal/organization"
	"quay-keyless/internal/sandbox"
	"quay-keyless/internal/sandbox/database"
)

const (
	githubIssuer = "https://token.actions.githubusercontent.com"
	anyCluster   = "https://kubernetes.default.svc"
)

// audit runs audit with the options.
func audit(t *testing.T, sb *sandbox.Sandbox, token string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	variables := map[string]string{"QUAY_API_TOKEN": token, "QUAY_CA_CERTIFICATE": string(sb.CA)}
	env := inProcess(variables, append([]string{"audit", sb.Host, "--org", "acme"}, args...)...)
	env.Clock = &impatient{now: sb.Now}
	code, stdout, stderr = run(t, cli.Main, env)
	if holdsSecret(stdout + stderr) {
		t.Errorf("it said a secret:\n%s%s", stdout, stderr)
	}
	return code, stdout, stderr
}

// setUpFile runs setup -f with a file of that content.
func setUpFile(t *testing.T, sb *sandbox.Sandbox, text string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acme.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"QUAY_API_TOKEN": sb.APIToken(), "QUAY_CA_CERTIFICATE": string(sb.CA)}
	code, stdout, stderr = run(t, cli.Main, inProcess(variables, append([]string{"setup", sb.Host, "-f", path}, args...)...))
	if holdsSecret(stdout + stderr) {
		t.Errorf("it said a secret:\n%s%s", stdout, stderr)
	}
	return code, stdout, strings.ReplaceAll(stderr, path, "acme.yaml")
}

// noon stands still in 2026.
func noon() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

// everyFinding is an organization of more than twenty robots that has every finding.
func everyFinding(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	app := func(subject string) []sandbox.Entry { return []sandbox.Entry{{Issuer: githubIssuer, Subject: subject}} }
	write, read := map[string]sandbox.Role{"acme/app": "write"}, map[string]sandbox.Role{"acme/app": "read"}
	main := "repo:acme@1/app@2:ref:refs/heads/main"
	robots := []sandbox.Robot{
		{Name: "acme+ci", Description: "CI", Federation: app(main), Grants: write},
		{Name: "acme+release", Federation: app("repo:acme@1/app@2:environment:release"), Grants: map[string]sandbox.Role{"acme/app": "admin", "acme/team/base": "read"}},
		{Name: "acme+gitlab", Federation: []sandbox.Entry{{Issuer: "https://gitlab.com", Subject: "project_path:acme/app:ref_type:branch:ref:main"}}, Grants: write},
		{Name: "acme+gitlabtag", Federation: []sandbox.Entry{{Issuer: "https://gitlab.example.com", Subject: "project_path:acme/app:ref_type:tag:ref:v1"}}, Grants: read},
		{Name: "acme+tekton", Federation: []sandbox.Entry{{Issuer: "https://oidc.example.com", Subject: "system:serviceaccount:build:pipeline"}}, Grants: write},
		{Name: "acme+anycluster", Federation: []sandbox.Entry{{Issuer: anyCluster, Subject: "system:serviceaccount:build:pipeline"}}, Grants: write},
		{Name: "acme+pulls", Federation: app("repo:acme@1/app@2:pull_request"), Grants: write},
		{Name: "acme+pullsread", Federation: app("repo:acme@1/app@2:pull_request"), Grants: read},
		{Name: "acme+pullsteam", Federation: app("repo:acme@1/app@2:pull_request")},
		{Name: "acme+old", Federation: app("repo:acme/app:ref:refs/heads/main"), Grants: read},
		{Name: "acme+star", Federation: app("repo:acme@1/app@2:ref:refs/heads/*"), Grants: read},
		{Name: "acme+space", Federation: app(main + " "), Grants: read},
		{Name: "acme+http", Federation: []sandbox.Entry{{Issuer: "http://issuer.example.com", Subject: "s"}}, Grants: read},
		{Name: "acme+queue", Federation: app("repo:acme@1/app@2:ref:refs/heads/gh-readonly-queue/main/pr-7-0123456789012345678901234567890123456789"), Grants: read},
		{Name: "acme+tag", Federation: app("repo:acme@1/app@2:ref:refs/tags/v1"), Grants: read},
		{Name: "acme+twice", Federation: append(app(main), app(main)...), Grants: read},
		{Name: "acme+password", Grants: write},
		{Name: "acme+both", Federation: app(main), Grants: write},
		{Name: "acme+nothing", Federation: app(main)},
		{Name: "acme+slash", Federation: []sandbox.Entry{{Issuer: githubIssuer + "/", Subject: main}}, Grants: read},
		{Name: "acme+odd", Grants: read, Federation: []sandbox.Entry{
			{Issuer: "https://ISSUER.example.com?x", Subject: "s"}, {Issuer: "https://gitlab.com", Subject: main}, {Issuer: githubIssuer, Subject: "acme/app"},
			{Issuer: githubIssuer, Subject: "repo:acme@1/app@2:environment:${ENVIRONMENT}"}, {Issuer: "https://login.app.env0.com/", Subject: "auth0|acme"},
			{Issuer: "https://gitlab.com", Subject: "project_path:acme/app"}, {Issuer: githubIssuer, Subject: "repo:acme@1/app@2:environment:a\u200bb"},
		}},
		{Name: "acme+audiences", Federation: []sandbox.Entry{{Issuer: githubIssuer, Subject: main, Audiences: []string{"quay"}}, {Issuer: githubIssuer, Subject: main + "2", Audiences: []string{"prod"}}}, Grants: read},
		{Name: "acme+broken", Federation: []sandbox.Entry{{Issuer: githubIssuer, Subject: main, BrokenAudiences: true}}, Grants: read},
		{Name: "acme+mirror", Federation: app(main), Grants: map[string]sandbox.Role{"acme/mirror": "write"}},
	}
	sb := startSandbox(t, sandbox.Config{
		Robots: append(robots, sandbox.Robot{Name: "other+guest"}), RepositoryStates: map[string]string{"acme/mirror": "MIRROR"}, Now: noon,
		APITokens: []sandbox.APIToken{{User: "admin", Organizations: []string{"acme", "other"}}},
	})
	sb.ChangeOrganization("acme", func(o *database.Organization) {
		o.Teams = append(o.Teams, &database.Team{Name: "builders", Role: "member", Members: []string{"acme+pullsteam", "other+guest"}})
		o.Prototypes = []database.Prototype{{ID: "1", Delegate: "builders", Team: true, Role: "write"}, {ID: "2", Creator: "admin", Delegate: "acme+ci", Role: "read"}}
	})
	sb.GrantTeam("builders", "acme/app", "write")
	exchange := database.Event{Kind: "federated_robot_token_exchange", Namespace: "acme", Metadata: []database.Field{{Name: "robot", Value: "ci"}}}
	for range 3 {
		sb.Note(exchange)
	}
	sb.ChangeRobot("acme+ci", func(r *database.Robot) { r.LastAccessed = noon() })
	sb.ChangeRobot("acme+both", func(r *database.Robot) { r.LastAccessed = noon().Add(-time.Hour) })
	sb.ChangeRobot("acme+password", func(r *database.Robot) { r.LastAccessed = noon().AddDate(0, -3, 0) })
	return sb
}

// The audit of an organization with every finding, as people read it.
func TestAudit(t *testing.T) {
	t.Parallel()
	sb := everyFinding(t)
	code, stdout, stderr := audit(t, sb, sb.APIToken(), "--exit-code")
	if code != 6 || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	golden := filepath.Join("..", "..", "testdata", "audit.txt")
	got := strings.ReplaceAll(stdout, sb.Host, "quay.example.com")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%v, and the audit is\n%s", err, got)
	}
	found := map[string]bool{}
	for _, code := range matches(stdout, `(?m)^\[([a-z-]+)\] `) {
		found[code] = true
	}
	for _, code := range org.Codes() {
		if !found[code] {
			t.Errorf("the audit does not have the finding %s", code)
		}
	}
	if code, _, _ := audit(t, sb, sb.APIToken()); code != 0 {
		t.Errorf("exit code %d without --exit-code", code)
	}
}

// comparable is an audit without what a file does not set: hosts, times, teams and default
// permissions.
func comparable(t *testing.T, sb *sandbox.Sandbox) string {
	t.Helper()
	code, stdout, stderr := audit(t, sb, sb.APIToken(), "--output", "json")
	type permission struct{ Repository, Role, Team string }
	type entry struct {
		Job   string
		Entry map[string]any
	}
	type robot struct {
		Robot, Description string
		Permissions        []permission
		Federation         []entry
	}
	var report struct {
		Robots   []robot
		Findings []map[string]any
	}
	if err := json.Unmarshal([]byte(stdout), &report); code != 0 || err != nil {
		t.Fatalf("%v, exit code %d: %s", err, code, stderr)
	}
	notSet := []string{"foreign-robot", "password-used", "duplicate", "read-only-repository"}
	report.Findings = slices.DeleteFunc(report.Findings, func(f map[string]any) bool {
		return slices.Contains(notSet, f["code"].(string)) || f["robot"] == "acme+pullsteam"
	})
	for _, f := range report.Findings {
		if f["code"] == "no-federation" {
			delete(f, "text") // it tells the last login
		}
	}
	for i, robot := range report.Robots {
		seen := map[string]bool{}
		report.Robots[i].Federation = slices.DeleteFunc(robot.Federation, func(e entry) bool {
			delete(e.Entry, "id")
			delete(e.Entry, "version")
			again := seen[e.Job]
			seen[e.Job] = true
			return again
		})
		report.Robots[i].Permissions = slices.DeleteFunc(robot.Permissions, func(p permission) bool { return p.Team != "" })
	}
	report.Robots = slices.DeleteFunc(report.Robots, func(r robot) bool { return !strings.HasPrefix(r.Robot, "acme+") })
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The YAML of an audit makes the same organization on an empty Quay, and a second run
// changes nothing.
func TestAuditIsTheFileOfSetup(t *testing.T) {
	t.Parallel()
	from := everyFinding(t)
	for _, robot := range []string{"acme+audiences", "acme+broken"} { // which the API of 3.18 cannot make
		from.DeleteRobot(robot)
	}
	code, file, stderr := audit(t, from, from.APIToken(), "--output", "yaml")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	golden := filepath.Join("..", "..", "testdata", "audit.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(strings.ReplaceAll(file, from.Host, "quay.example.com")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || strings.ReplaceAll(file, from.Host, "quay.example.com") != string(want) {
		t.Errorf("%v, and the file is\n%s", err, file)
	}
	to := startSandbox(t, sandbox.Config{Robots: []sandbox.Robot{}, APITokens: []sandbox.APIToken{{User: "admin", Organizations: []string{"acme"}}}, Now: noon})
	if code, stdout, stderr := setUpFile(t, to, file, "--create-repositories", "--dry-run", "--exit-code"); code != 6 || !strings.Contains(stdout, "\n+ acme+ci: permission write on acme/app\n") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := setUpFile(t, to, file, "--create-repositories"); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if was, is := comparable(t, from), comparable(t, to); was != is {
		t.Errorf("the audit was\n%s\nand is\n%s", was, is)
	}
	if code, stdout, stderr := setUpFile(t, to, file, "--prune", "--dry-run", "--exit-code"); code != 0 || stdout != "" {
		t.Errorf("the second run: exit code %d: %s%s", code, stdout, stderr)
	}
}

// randomRobots are robots with entries in all forms, audiences, and a field that this program
// does not know.
func randomRobots(r *rand.Rand) []sandbox.Robot {
	forms := [][2]string{
		{githubIssuer, "repo:acme@1/app@%d:ref:refs/heads/main"}, {githubIssuer, "repo:acme/app%d:environment:a:b"}, {githubIssuer, "repo:acme/app%d:ref:refs/tags/v1"},
		{"https://ghes.example/_services/token", "repo:acme/app%d:pull_request"}, {"https://gitlab.com", "project_path:acme/app%d:ref_type:tag:ref:v1"},
		{"https://gitlab.example", "project_path:acme/app%d:ref_type:branch:ref:main"}, {"https://oidc.example.com", "system:serviceaccount:build%d:pipeline"},
		{"https://issuer.example/", "any: thing # %d\u200b'\"\\"}, {"http://old.example", "- %d "},
	}
	var robots []sandbox.Robot
	for i := range 1 + r.IntN(6) {
		robot := sandbox.Robot{Name: fmt.Sprintf("acme+robot%d", i), Grants: map[string]sandbox.Role{}, Description: []string{"", "CI: jobs", "true", "- x # y"}[r.IntN(4)]}
		for j := range r.IntN(4) {
			form := forms[r.IntN(len(forms))]
			entry := sandbox.Entry{Issuer: form[0], Subject: fmt.Sprintf(form[1], j), Audiences: [][]string{{"quay"}, {"prod"}, {"a b", "quay"}}[r.IntN(3)], Fields: map[string]any{"id": fmt.Sprint("id", i, j), "version": 7}}
			if r.IntN(2) == 0 {
				entry.Fields["api_scopes"] = []any{"repo:read", "<&>", 1.5, nil}[r.IntN(4)]
			}
			robot.Federation = append(robot.Federation, entry)
			robot.Grants[fmt.Sprintf("acme/team/app%d", r.IntN(3))] = []sandbox.Role{"read", "write", "admin"}[r.IntN(3)]
		}
		robots = append(robots, robot)
	}
	return robots
}

// The file of any organization makes the same organization on an empty Quay whose API stores
// audiences, with fields that this program does not know.
func TestAnyOrganizationFromItsFile(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		from := startSandbox(t, sandbox.Config{Release: "next", Robots: randomRobots(rand.New(rand.NewPCG(seed, 2)))})
		_, file, _ := audit(t, from, from.APIToken(), "--output", "yaml")
		to := startSandbox(t, sandbox.Config{Release: "next", Robots: []sandbox.Robot{}, APITokens: []sandbox.APIToken{{User: "admin", Organizations: []string{"acme"}}}})
		if code, _, stderr := setUpFile(t, to, file, "--create-repositories"); code != 0 {
			t.Fatalf("seed %d: exit code %d: %s with\n%s", seed, code, stderr, file)
		}
		_, again, _ := audit(t, to, to.APIToken(), "--output", "yaml")
		if strings.ReplaceAll(again, to.Host, from.Host) != file {
			t.Fatalf("seed %d: the file\n%s\nbecame\n%s", seed, file, again)
		}
		for _, sb := range []*sandbox.Sandbox{from, to} {
			if code, stdout, stderr := setUpFile(t, sb, file, "--prune", "--dry-run", "--exit-code"); code != 0 {
				t.Fatalf("seed %d: exit code %d: %s%s", seed, code, stdout, stderr)
			}
		}
	}
}

// Eight runs of the same file at the same moment all succeed, and all is stored.
func TestSetupAtTheSameTime(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	file.WriteString("organization: acme\nrobots:\n")
	for i := range 6 {
		fmt.Fprintf(&file, "- name: robot%d\n  grant: {app: write, tools: read}\n  federation:\n", i)
		for j := range 3 {
			fmt.Fprintf(&file, "  - github: {repository: acme@1/app@2, environment: e%d}\n", j)
		}
	}
	sb := startSandbox(t, sandbox.Config{Robots: []sandbox.Robot{}, APITokens: []sandbox.APIToken{{User: "admin", Organizations: []string{"acme"}}}})
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			if code, _, stderr := setUpFile(t, sb, file.String(), "--create-repositories"); code != 0 {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
	runs.Wait()
	if code, stdout, stderr := setUpFile(t, sb, file.String(), "--prune", "--dry-run", "--exit-code"); code != 0 {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

// An audit of 1,000 robots asks Quay about each once, at most four at the same time.
func BenchmarkAudit(b *testing.B) {
	robots := []sandbox.Robot{}
	for i := range 1000 {
		robots = append(robots, sandbox.Robot{
			Name: fmt.Sprintf("acme+robot%d", i), Grants: map[string]sandbox.Role{fmt.Sprintf("acme/app%d", i%200): "write"},
			Federation: []sandbox.Entry{{Issuer: githubIssuer, Subject: fmt.Sprintf("repo:acme@1/app%d@2:ref:refs/heads/main", i)}},
		})
	}
	sb, err := newSandbox(sandbox.Config{Robots: robots})
	if err == nil {
		err = sb.Listen("127.0.0.1:0")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sb.Close() })
	variables := map[string]string{"QUAY_API_TOKEN": sb.APIToken(), "QUAY_CA_CERTIFICATE": string(sb.CA)}
	for b.Loop() {
		env := inProcess(variables, "audit", sb.Host, "--org", "acme")
		env.Stdout, env.Stderr = io.Discard, os.Stderr
		if code := cli.Main(b.Context(), env); code != 0 {
			b.Fatalf("exit code %d", code)
		}
	}
	b.ReportMetric(float64(sb.Requests("api"))/float64(b.N), "requests/op")
}
