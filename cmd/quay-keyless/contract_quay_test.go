// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox"
)

// contractQuay is a Quay that the table is held against.
type contractQuay struct {
	release string
	host    string // HOST[:PORT], where TLS is spoken
	plain   string // the same without TLS; "" where there is none
	ca      string // PEM; "" where the system's roots do
	names   names
	// modes are the issuers that the robot trusts; nil: whatever a case needs.
	modes []string
	// states are what an administrator has set for the cases that need it.
	states []string
	// issuer gives a mode's URL.
	issuer func(mode string) string
	// mint signs the token of an issuer's URL.
	mint func(sandbox.Token) (string, error)
	// now is the time, for ID tokens and for the program.
	now func() time.Time
	// exchanges counts the requests to the exchange; nil where nobody does.
	exchanges func() int
}

// idToken makes a case's ID token: what Quay is asked with directly, and what
// the program is given.
func (q *contractQuay) idToken(t *testing.T, c contractCase) string {
	t.Helper()
	token := q.mustMint(t, c.token, q.issuer(c.issuer()))
	if c.spoil != nil {
		token = c.spoil(token)
	}
	return token
}

func (q *contractQuay) mustMint(t *testing.T, token sandbox.Token, issuer string) string {
	t.Helper()
	token.Issuer = issuer
	token.Subject = q.names.fill(token.Subject)
	token.Claims = maps.Clone(token.Claims)
	for name, value := range token.Claims {
		switch value := value.(type) {
		case string:
			token.Claims[name] = q.names.fill(value)
		case time.Duration:
			token.Claims[name] = q.now().Add(value).Unix()
		}
	}
	text, err := q.mint(token)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// elsewhere are issuers that no Quay can use, by their mode: one that nobody
// serves, one whose certificate nobody trusts, one whose name nobody knows, and
// one without TLS.
var elsewhere = map[string]string{
	"closed": "https://127.0.0.1:1", "nameless": "https://issuer.invalid/nameless", "plain": "http://issuer.example/plain",
}

// untrusted is an issuer's server whose certificate is its own.
func untrusted(t *testing.T) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// sandboxModes are the sandbox's own issuers that the table needs.
var sandboxModes = []string{"good", "d500", "d404", "d429", "dhtml", "dempty", "dlist", "dredir", "dother", "dslash", "dslow8",
	"jplain", "j500", "jhtml", "jempty", "jodd", "jnokid"}

// sandboxQuay starts a sandbox that is as the case needs it.
func sandboxQuay(t *testing.T, release string, c contractCase) *contractQuay {
	t.Helper()
	others := maps.Clone(elsewhere)
	others["untrusted"] = untrusted(t)
	// A case must not depend on how long a busy machine takes for it.
	config := sandbox.Config{Release: release, Robots: contractRobots(others), Now: still()}
	if c.configure != nil {
		c.configure(&config)
	}
	sb := startSandbox(t, config)
	for _, fault := range c.faults {
		sb.Fault(fault)
	}
	issuers, plain := sb.URL+"/issuers", strings.TrimPrefix(sb.PlainURL, "http://")
	return &contractQuay{
		release: release, host: sb.Host, plain: plain, ca: string(sb.CA),
		names: newNames(map[string]string{
			"<quay>": sb.Host, "<quay over http>": plain, "<issuers>": issuers, "<robot>": "acme+ci", "<robot without federation>": "acme+nofed",
			"<subject>": contractSubject, "<audience>": "quay", "<writable repository>": "acme/app", "<readable repository>": "acme/base",
			"<closed>": others["closed"], "<untrusted>": others["untrusted"],
		}),
		issuer: func(mode string) string {
			if url, ok := others[mode]; ok || mode == "quay" {
				return url
			}
			return issuers + "/" + mode
		},
		mint: func(token sandbox.Token) (string, error) {
			if token.Issuer == "" {
				token.Issuer = "quay"
			}
			return sb.Mint(token)
		},
		now:       config.Now,
		exchanges: func() int { return sb.Requests(sandbox.Exchange) },
	}
}

const contractSubject = "repo:acme/app:ref:refs/heads/main"

// contractRobots are the sandbox's: the first one trusts every issuer.
func contractRobots(others map[string]string) []sandbox.Robot {
	trust := func(issuer string) sandbox.Entry { return sandbox.Entry{Issuer: issuer, Subject: contractSubject} }
	var everybody []sandbox.Entry
	for _, mode := range sandboxModes {
		everybody = append(everybody, trust(mode))
	}
	for _, url := range others {
		everybody = append(everybody, trust(url))
	}
	return []sandbox.Robot{
		{Name: "acme+ci", Federation: everybody, Grants: map[string]sandbox.Role{"acme/app": sandbox.Write, "acme/base": sandbox.Read}},
		{Name: "acme+nofed"},
		{Name: "acme+slash", Federation: []sandbox.Entry{trust("${SELF}/issuers/good/")}},
		{Name: "admin+mine2", Federation: []sandbox.Entry{trust("good")}},
	}
}
