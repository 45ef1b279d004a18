// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// run holds Quay and the program to a case.
func (c contractCase) run(t *testing.T, q *contractQuay) {
	idToken := q.idToken(t, c)
	robot := q.names.fill(c.robotName())
	robotToken := c.askDirectly(t, q, robot, idToken)
	if c.auth.status != 0 {
		c.askRegistry(t, q, robot, robotToken)
	}
	if c.exit == 4 {
		c.expectReason(t, q, robot, idToken)
	}
	c.login(t, q, robot, idToken)
	if q.modes == nil { // one Quay is asked no more than needed
		c.doctor(t, q, robot, idToken)
	}
}

func (c contractCase) robotName() string {
	if c.robot == "" {
		return "<robot>"
	}
	return c.robot
}

// askDirectly shows Quay the ID token as it is, and gives the robot token.
func (c contractCase) askDirectly(t *testing.T, q *contractQuay, robot, idToken string) string {
	t.Helper()
	direct := c.between
	direct.http2 = false // the answer of the table is that of HTTP/1.1
	got := q.ask(t, direct, exchangePath, robot, idToken)
	compare(t, q, "the exchange", got, c.exchange)
	var body struct{ Token string }
	if got.status == http.StatusOK && json.Unmarshal([]byte(got.body), &body) != nil {
		t.Fatal("no robot token in the answer")
	}
	return body.Token
}

func (c contractCase) askRegistry(t *testing.T, q *contractQuay, robot, robotToken string) {
	t.Helper()
	if c.registryToken != nil {
		robotToken = q.mustMint(t, *c.registryToken, q.issuer(c.registryToken.Issuer))
	}
	compare(t, q, "the registry", q.ask(t, c.between, "/v2/auth?service="+q.host, robot, robotToken), c.auth)
}

// expectReason asks by the package that the program is built on, which tells
// what it read off the refusal.
func (c contractCase) expectReason(t *testing.T, q *contractQuay, robot, idToken string) {
	t.Helper()
	var refusal *quay.Refusal
	if err := c.mint(t, q, robot, strings.TrimSpace(idToken)); !errors.As(err, &refusal) {
		t.Errorf("error %v, want a refusal", err)
	} else if refusal.Reason != c.reason {
		t.Errorf("reason %s, want %s: %v", refusal.Reason, c.reason, err)
	}
}

func (c contractCase) mint(t *testing.T, q *contractQuay, name, idToken string) error {
	registry, err := quay.ParseRegistry(q.host)
	if err != nil {
		t.Fatal(err)
	}
	robot, err := quay.ParseRobot(name)
	if err != nil {
		t.Fatal(err)
	}
	client := &quay.Client{Registry: registry, Endpoint: &endpoint.Client{
		Transport: q.transport(c.between, q.trust()), Clock: &impatient{now: q.now},
	}}
	challenge, err := client.Ping(t.Context())
	if err != nil {
		return err
	}
	token, err := client.Exchange(t.Context(), robot, func(context.Context) (idtoken.Secret, error) { return idtoken.NewSecret(idToken), nil })
	if err != nil {
		return err
	}
	login := quay.Login{Robot: robot, Token: idtoken.NewSecret(token.AccessToken)}
	if c.check == "" {
		return client.Prove(t.Context(), challenge, login)
	}
	permission, err := quay.ParsePermission(q.names.fill(c.check))
	if err != nil {
		t.Fatal(err)
	}
	return client.Check(t.Context(), challenge, login, permission)
}

// login runs the program and holds it to its exit code, its words, the
// requests it sends and the auth file it leaves.
func (c contractCase) login(t *testing.T, q *contractQuay, robot, idToken string) {
	file := filepath.Join(t.TempDir(), "auth.json")
	before := otherLogin(q.host)
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	exchanges := q.count()
	code, stdout, words := c.program(t, q, robot, idToken, file, "login", nil)
	if stdout != "" {
		t.Errorf("%d bytes on standard output, want none", len(stdout))
	}
	if code != c.exit {
		t.Errorf("exit code %d, want %d", code, c.exit)
	}
	if sent := q.count() - exchanges; q.exchanges != nil && sent != c.exchanges {
		t.Errorf("%d requests to the exchange, want %d", sent, c.exchanges)
	}
	if holdsSecret(words) || leaks(words, idToken) {
		t.Fatal("the program said a secret")
	}
	golden(t, q, c, "", q.said(words, idToken, file))
	if c.exit == 0 {
		expectLogin(t, file, q.host, robot)
		return
	}
	expectUntouched(t, file, before)
	c.loginOnGitHub(t, q, robot, idToken, file)
}

// loginOnGitHub holds a login that fails to what a GitHub job shows of it: the
// log, and the job summary below a line.
func (c contractCase) loginOnGitHub(t *testing.T, q *contractQuay, robot, idToken, file string) {
	summary := filepath.Join(t.TempDir(), "summary.md")
	code, words, stderr := c.program(t, q, robot, idToken, file, "login", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary})
	if code != c.exit || stderr != "" {
		t.Errorf("on GitHub: exit code %d, want %d; %d bytes on standard error, want none", code, c.exit, len(stderr))
	}
	words = masks.ReplaceAllString(words, "")
	if text, err := os.ReadFile(summary); err == nil {
		words += "---- the job summary:\n" + string(text)
	}
	if holdsSecret(words) || leaks(words, idToken) {
		t.Fatal("the program said a secret")
	}
	golden(t, q, c, "github", q.said(words, idToken, file))
}

func (q *contractQuay) count() int {
	if q.exchanges == nil {
		return 0
	}
	return q.exchanges()
}

// leaks finds a part of the ID token in text; a short one may be a word.
func leaks(text, idToken string) bool {
	for _, part := range strings.FieldsFunc(idToken, func(r rune) bool { return strings.ContainsRune(". \r\n", r) }) {
		if len(part) >= 16 && strings.Contains(text, part[:16]) {
			return true
		}
	}
	return false
}

// doctor holds the examination to the login: it ends with the same exit code,
// and leaves everything as it was.
func (c contractCase) doctor(t *testing.T, q *contractQuay, robot, idToken string) {
	file := filepath.Join(t.TempDir(), "auth.json")
	before := otherLogin(q.host)
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	code, report, words := c.program(t, q, robot, idToken, file, "doctor", nil)
	if code != c.exit {
		t.Errorf("doctor: exit code %d, want %d as of login:\n%s%s", code, c.exit, report, words)
	}
	if failed := strings.Contains("\n"+report, "\nfailed "); failed != (c.exit != 0 && c.exit != 2) {
		t.Errorf("doctor: a link failed: %v, exit code %d:\n%s", failed, c.exit, report)
	}
	if holdsSecret(report+words) || leaks(report+words, idToken) {
		t.Fatal("doctor said a secret")
	}
	expectUntouched(t, file, before)
}

// program runs one of quay-keyless's commands, with further variables.
func (c contractCase) program(t *testing.T, q *contractQuay, robot, idToken, file, command string, more map[string]string) (code int, stdout, stderr string) {
	registry := q.host
	if c.http {
		registry = "http://" + q.plain
	}
	args := []string{command, registry, "--robot", robot, "--authfile", file}
	if c.check != "" {
		args = append(args, "--check", q.names.fill(c.check))
	}
	variables := map[string]string{"QUAY_ID_TOKEN_ENV": "ID_TOKEN", "ID_TOKEN": idToken, "QUAY_CA_CERTIFICATE": q.ca, "HOME": filepath.Dir(file)}
	maps.Copy(variables, more)
	env := inProcess(variables, args...)
	env.Transport = func(config *tls.Config) http.RoundTripper { return q.transport(c.between, config) }
	env.Clock = &impatient{now: q.now, wrong: c.between.wrong}
	return run(t, cli.Main, env)
}

// otherLogin is an auth file with another login for the host, in a form that
// no program would write again.
func otherLogin(host string) []byte {
	other := base64.StdEncoding.EncodeToString([]byte("somebody:else"))
	return []byte("{ \"auths\":{\t\"" + host + "\": {\"auth\":\"" + other + "\"},\n\"other.example\":{}} }\n\n")
}

func expectUntouched(t *testing.T, file string, before []byte) {
	t.Helper()
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(after, before) { // what is there now may be a login
		t.Errorf("the auth file is not as it was: %d bytes (%v), want %d", len(after), err, len(before))
	}
	expectAlone(t, file)
}

func expectAlone(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the auth file there are %v (%v), want nothing", entries, err)
	}
}

func expectLogin(t *testing.T, file, host, robot string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Auths map[string]struct{ Auth []byte }
	}
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	if credential := string(content.Auths[host].Auth); !strings.HasPrefix(credential, robot+":eyJ") {
		t.Errorf("the auth file has another login for %s than %s's", host, robot)
	}
	if _, kept := content.Auths["other.example"]; !kept {
		t.Error("the auth file lost another key")
	}
}
