// SPDX-License-Identifier: Apache-2.0

package keycloak

import (
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

const (
	openThis = "to log in, open this address in a browser on this machine: "
	openAny  = "to log in, open "
)

func TestLoginByBrowser(t *testing.T) {
	j := newJob(t)
	for name, login := range map[string][]string{
		"public client":                    {"--oidc-client-id", "cli"},
		"client with secret, access token": {"--oidc-client-id", "ci", "--oidc-client-secret-file", "client-secret", "--oidc-token", "access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := j.begin(t, "acme+alice", j.env, append(login, "--oidc-flow", "code")...)
			address := w.line(t, openThis)
			b := newBrowser(t)
			b.open(address)
			b.logIn("alice", alicePassword)
			if got := b.heading(); got != "You are logged in" {
				t.Errorf("the page says %q", got)
			}
			if code, said := w.end(t); code != 0 {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			j.push(t)
		})
	}
}

func TestLoginByBrowserAfterAnother(t *testing.T) {
	j := newJob(t)
	w := j.begin(t, "acme+alice", j.env, "--oidc-client-id", "cli", "--oidc-flow", "code")
	address := w.line(t, openThis)
	b := newBrowser(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	b.open(u.Query().Get("redirect_uri") + "?code=of-somebody&state=of-another-login")
	if got := b.heading(); got != "This is not the login that quay-keyless waits for" {
		t.Errorf("the page says %q", got)
	}
	b.open(address)
	b.logIn("alice", "WRONG-PASSWORD")
	b.find("#input-error-username")     // on the page that follows
	b.write("#password", alicePassword) // the form keeps the name
	b.click("#kc-login")
	if got := b.heading(); got != "You are logged in" {
		t.Errorf("the page says %q", got)
	}
	if code, said := w.end(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, said)
	}
}

func TestLoginByBrowserCancelled(t *testing.T) {
	j := newJob(t)
	w := j.begin(t, "acme+alice", j.env, "--oidc-client-id", "asks", "--oidc-flow", "code")
	b := newBrowser(t)
	b.open(w.line(t, openThis))
	b.logIn("alice", alicePassword)
	b.click("#kc-cancel")
	if got := b.heading(); got != "The login failed" {
		t.Errorf("the page says %q", got)
	}
	code, said := w.end(t)
	if code != 3 || !strings.Contains(said, "the login was cancelled [login-cancelled]\n") {
		t.Errorf("exit code %d\n%s", code, said)
	}
}

func TestLoginByBrowserWithoutOne(t *testing.T) {
	j := newJob(t)
	outcome := j.login(t, j.env, "acme+alice", "--oidc-client-id", "cli", "--oidc-flow", "code", "--timeout", "15s")
	if outcome.Exit != 3 || !strings.Contains(outcome.Stderr, " [login-timed-out]\n") {
		t.Errorf("nobody: exit code %d\n%s", outcome.Exit, outcome.Stderr)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	outcome = j.login(t, j.env, "acme+alice", "--oidc-client-id", "cli", "--oidc-flow", "code", "--oidc-redirect-port", port)
	if outcome.Exit != 3 || !strings.Contains(outcome.Stderr, "address already in use") {
		t.Errorf("port taken: exit code %d\n%s", outcome.Exit, outcome.Stderr)
	}
}

func TestLoginByDevice(t *testing.T) {
	j := newJob(t)
	for name, login := range map[string][]string{
		"public client":      {"--oidc-client-id", "cli"},
		"client with secret": {"--oidc-client-id", "ci", "--oidc-client-secret-file", "client-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			w := j.begin(t, "acme+alice", j.env, append(login, "--oidc-flow", "device")...)
			address, code, ok := strings.Cut(w.line(t, openAny), " on any device and enter the code ")
			if !ok {
				t.Fatal(w.said.String())
			}
			b := newBrowser(t)
			address, _, _ = strings.Cut(address, "?") // as who types it in
			b.open(address)
			b.write("input[name=device_user_code]", code)
			b.click("input[type=submit], button[type=submit]")
			b.logIn("alice", alicePassword)
			b.click("#kc-login[name=accept], input[name=accept]")
			if code, said := w.end(t); code != 0 {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			j.push(t)
		})
	}
}

// A crash prints the stacks of a program that holds a password and a client's
// secret while it waits.
func TestCrashHasNoSecrets(t *testing.T) {
	j := newJob(t)
	w := j.begin(t, "acme+alice", j.with("OIDC_CLIENT_ID=ci", "OIDC_CLIENT_SECRET="+clientSecret, "OIDC_PASSWORD="+alicePassword, "GOTRACEBACK=all"), "--oidc-flow", "code")
	w.line(t, openThis)
	if err := w.command.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if _, said := w.end(t); !strings.Contains(said, "goroutine ") {
		t.Errorf("it did not crash:\n%s", said)
	}
}
