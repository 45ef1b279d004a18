// SPDX-License-Identifier: Apache-2.0

package keycloak

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"quay-keyless/e2e/lab"
)

func TestFlowsWithoutAPerson(t *testing.T) {
	j := newJob(t)
	for name, login := range map[string]struct {
		robot string
		env   []string
		flags []string
	}{
		"client credentials, ID token": {"acme+ci", []string{"OIDC_CLIENT_ID=ci"}, []string{"--oidc-client-secret-file", "client-secret"}},
		"client credentials, access token": {
			"acme+ci", []string{"OIDC_CLIENT_ID=ci", "OIDC_CLIENT_SECRET=" + clientSecret}, []string{"--oidc-token", "access_token"},
		},
		"the article's variables":      {"acme+alice", []string{"OIDC_CLIENT_ID=cli", "OIDC_USERNAME=alice", "OIDC_PASSWORD=" + alicePassword}, nil},
		"password, access token":       {"acme+alice", []string{"OIDC_CLIENT_ID=cli"}, []string{"--oidc-username", "alice", "--oidc-password-file", "password", "--oidc-token", "access_token"}},
		"password without openid":      {"acme+alice", []string{"OIDC_CLIENT_ID=cli"}, []string{"--oidc-username", "alice", "--oidc-password-file", "password", "--oidc-scope", "profile"}},
		"password, client with secret": {"acme+alice", []string{"OIDC_CLIENT_ID=ci"}, []string{"--oidc-username", "alice", "--oidc-password-file", "password", "--oidc-client-secret-file", "client-secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			outcome := j.login(t, j.with(login.env...), login.robot, login.flags...)
			if outcome.Exit != 0 {
				t.Fatalf("exit code %d\n%s", outcome.Exit, outcome.Stderr)
			}
			j.push(t)
		})
	}
}

func TestDenials(t *testing.T) {
	j := newJob(t)
	for name, login := range map[string]struct {
		env, flags []string
		want       []string
	}{
		"wrong password": {
			[]string{"OIDC_CLIENT_ID=cli", "OIDC_USERNAME=alice", "OIDC_PASSWORD=WRONG-PASSWORD"}, nil,
			[]string{" [oidc-wrong-login]\n", `invalid_grant "Invalid user credentials" (HTTP 400)`},
		},
		"unknown client": {
			[]string{"OIDC_CLIENT_ID=nobody"}, []string{"--oidc-client-secret-file", "client-secret"},
			[]string{" [oidc-wrong-client]\n", `invalid_client "Invalid client or Invalid client credentials" (HTTP 401)`, "--oidc-client-id"},
		},
		"wrong secret": {
			[]string{"OIDC_CLIENT_ID=ci"}, []string{"--oidc-client-secret-file", "wrong"},
			[]string{" [oidc-wrong-client]\n", `unauthorized_client "Invalid client or Invalid client credentials" (HTTP 401)`, "--oidc-client-id"},
		},
		"flow switched off": {
			[]string{"OIDC_CLIENT_ID=asks", "OIDC_USERNAME=alice", "OIDC_PASSWORD=" + alicePassword}, nil,
			[]string{" [oidc-flow-forbidden]\n", `unauthorized_client "Client not allowed for direct access grants" (HTTP 400)`, "Direct access grants"},
		},
		"device flow switched off": {
			[]string{"OIDC_CLIENT_ID=asks"}, []string{"--oidc-flow", "device"},
			[]string{" [oidc-flow-forbidden]\n", "unauthorized_client", "Device authorization"},
		},
		"unknown realm": {
			[]string{"OIDC_CLIENT_ID=cli", "OIDC_ISSUER_URL=" + keycloak.issuer("nowhere")}, []string{"--oidc-flow", "device"},
			[]string{"there is no OIDC provider at " + keycloak.issuer("nowhere") + "/.well-known/openid-configuration: HTTP 404"},
		},
		"issuer with a slash": {
			[]string{"OIDC_CLIENT_ID=cli", "OIDC_ISSUER_URL=" + keycloak.issuer("ci") + "/"}, []string{"--oidc-flow", "device"},
			[]string{"names the issuer " + keycloak.issuer("ci") + "\n"},
		},
		"realm with ES256": {
			[]string{"OIDC_CLIENT_ID=ci", "OIDC_ISSUER_URL=" + keycloak.issuer("elliptic")}, []string{"--oidc-client-secret-file", "client-secret"},
			[]string{"is signed with ES256 [id-token-algorithm]\n", "In Keycloak, choose RS256"},
		},
	} {
		t.Run(name, func(t *testing.T) { j.denied(t, login.env, login.flags, login.want) })
	}
	if n := j.sandbox.Requests("exchange"); n != 0 {
		t.Errorf("%d exchanges, want none", n)
	}
}

// denied is a login that ends without an ID token, in these words.
func (j *job) denied(t *testing.T, env, flags, words []string) {
	t.Helper()
	outcome := j.login(t, j.with(env...), "acme+alice", flags...)
	if outcome.Exit != 3 {
		t.Errorf("exit code %d, want 3", outcome.Exit)
	}
	for _, want := range words {
		if !strings.Contains(outcome.Stderr, want) {
			t.Errorf("it does not say %q:\n%s", want, outcome.Stderr)
		}
	}
}

// tokensOf gives Keycloak's answer to a password grant.
func tokensOf(t *testing.T) map[string]any {
	t.Helper()
	answer, err := keycloak.tokens("ci", url.Values{
		"grant_type": {"password"}, "client_id": {"cli"}, "username": {"alice"}, "password": {alicePassword}, "scope": {"openid"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// keyID is the kid of the key that signed a token.
func keyID(t *testing.T, token string) string {
	t.Helper()
	var header struct{ Kid string }
	encoded, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil || header.Kid == "" {
		t.Fatalf("no kid in the token's header %q: %v", text, err)
	}
	return header.Kid
}

func TestTokensThatAreNotGoodAnyMore(t *testing.T) {
	j := newJob(t)
	answer := tokensOf(t)
	write := func(file, field string) {
		lab.Write(t, j.path(file), fmt.Sprint(answer[field]), 0o600)
	}
	write("id-token", "id_token")
	write("refresh-token", "refresh_token")
	delete(j.env, "OIDC_ISSUER_URL")
	delete(j.env, "QUAY_ID_TOKEN_SOURCE")
	expect := func(exit int, words string, flags ...string) {
		t.Helper()
		outcome := j.login(t, j.env, "acme+alice", flags...)
		if outcome.Exit != exit || !strings.Contains(outcome.Stderr, words) {
			t.Errorf("exit code %d, want %d and %q:\n%s", outcome.Exit, exit, words, outcome.Stderr)
		}
	}
	expect(3, " [refresh-token]\n", "--id-token-file", "refresh-token")
	expect(0, "logged in to", "--id-token-file", "id-token")
	if err := keycloak.rotate("ci"); err != nil {
		t.Fatal(err)
	}
	expect(5, "    kid  "+keyID(t, fmt.Sprint(answer["id_token"]))+"\n", "--id-token-file", "id-token")
	// With the realm's new key it works, until that token is old.
	answer = tokensOf(t)
	write("id-token", "id_token")
	expect(0, "logged in to", "--id-token-file", "id-token")
	j.sandbox.Advance(10 * time.Minute)
	expect(3, "the ID token from the file id-token expired", "--id-token-file", "id-token")
}
