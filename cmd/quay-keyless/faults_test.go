// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

const (
	faultsName = "quay.example.com"
	faultsHost = faultsName + ":443"
	// faultsIssuer is the OIDC provider.
	faultsIssuer = "https://" + faultsHost + "/issuers/oidc"
	standIn      = "stand-in.example:443" // where the faulty servers listen
)

// column is one endpoint that a login asks.
type column struct {
	name   string // of its golden file
	target string // the sandbox's name for it
	path   string
	// provider: the login's ID token is an OIDC provider's, not GitHub's.
	provider bool
}

// columns are all of them, in the order of a login.
var columns = []column{
	{name: "discovery", target: sandbox.Discovery, path: "/issuers/oidc/.well-known/openid-configuration", provider: true},
	{name: "provider", target: sandbox.IDToken, path: "/issuers/oidc/token", provider: true},
	{name: "idtoken", target: sandbox.IDToken, path: "/github/token"},
	{name: "ping", target: sandbox.Ping, path: "/v2/"},
	{name: "exchange", target: sandbox.Exchange, path: exchangePath},
	{name: "auth", target: sandbox.Auth, path: "/v2/auth"},
}

// TestFaults holds a login to each endpoint's failing in each way: it ends
// within its deadline, with the exit code, the number of requests and the words
// that testdata/faults has, and leaves every file as it was. The network is in
// memory and the clock a fake one, so that slow is a matter of no time.
func TestFaults(t *testing.T) {
	t.Parallel()
	faults := append(allFaults(), recordedRefusals(t)...)
	for _, endpoint := range columns {
		t.Run(endpoint.name, func(t *testing.T) {
			t.Parallel()
			golden := readFaults(t, endpoint.name)
			for _, c := range faults {
				if c.meets(endpoint.name) {
					t.Run(c.name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { golden.compare(t, c.name, c.meet(t, endpoint)) })
					})
				}
			}
			golden.write(t)
		})
	}
}

// TestNoFault holds the matrix to a login that nothing disturbs: each endpoint is
// asked once.
func TestNoFault(t *testing.T) {
	t.Parallel()
	for _, endpoint := range columns {
		synctest.Test(t, func(t *testing.T) {
			const want = "exit 0, discovery 1, provider 1, idtoken 0, ping 1, exchange 1, auth 1, at once\n"
			got := faultCase{server: "nothing"}.meet(t, endpoint)
			if !endpoint.provider {
				got = strings.NewReplacer("discovery 0, provider 0, idtoken 1", "discovery 1, provider 1, idtoken 0").Replace(got)
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s", endpoint.name, got)
			}
		})
	}
}

// recordedRefusals are each no of a real Quay's exchange and token endpoint.
func recordedRefusals(t *testing.T) []faultCase {
	t.Helper()
	bodies := map[string]faultCase{}
	for name, releases := range recordings(t) {
		endpoint := "exchange"
		switch {
		case strings.HasPrefix(name, "fed "), strings.HasPrefix(name, "user "):
			continue
		case strings.HasPrefix(name, "v2 "):
			endpoint = "auth"
		}
		for _, answered := range releases {
			status, _ := answered.Status.(float64)
			if status == http.StatusBadRequest || status == http.StatusUnauthorized {
				c := refusalFault(endpoint, int(status), answered.Body)
				bodies[endpoint+c.name] = c
			}
		}
	}
	if len(bodies) < 25 {
		t.Fatalf("%d recorded refusals, want more", len(bodies))
	}
	var all []faultCase
	for _, key := range slices.Sorted(maps.Keys(bodies)) {
		all = append(all, bodies[key])
	}
	return all
}

// meet logs in while the endpoint has the fault, and tells what came of it.
func (c faultCase) meet(t *testing.T, endpoint column) string {
	network := newMemory()
	box := newFaultyQuay(t, network)
	trusted := newAuthority(t)
	if serve, ok := faultyServers[c.server]; ok {
		serve(t, network.listen(standIn), trusted)
	} else if c.server == "" {
		c.sandbox.Target = endpoint.target
		if c.sandbox.Location == loop {
			c.sandbox.Location = endpoint.path
		}
		box.Fault(c.sandbox)
	}
	file := filepath.Join(t.TempDir(), "auth.json")
	before := otherLogin(faultsName)
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := &asking{counts: map[string]int{}}
	env := inMemory(network, jobOf(box, endpoint.provider, string(box.CA)+trusted.pem()), loginTo(file)...)
	env.Transport = func(config *tls.Config) http.RoundTripper {
		return asked.through(network, config, endpoint, c.server != "" && c.server != "nothing")
	}
	start := time.Now()
	code, stdout, stderr := run(t, cli.Main, env)
	elapsed := time.Since(start)
	network.close()
	c.expectBounds(t, code, elapsed, stderr+stdout)
	if code != 0 {
		expectUntouched(t, file, before)
	}
	words := strings.NewReplacer(file, "<authfile>",
		"http2: client conn could not be established", "<churn>", "the server ends each connection before it takes a request", "<churn>", // chance
	).Replace(stderr)
	return fmt.Sprintf("exit %d, %s%s\n%s", code, asked, span(elapsed), steady(words))
}

// jobOf is what a job has to log in with: GitHub's ID token, or a
// client at an OIDC provider; and the CA. Its words are those of a terminal.
func jobOf(box *sandbox.Sandbox, provider bool, ca string) map[string]string {
	variables := box.GitHubEnv(sandbox.Job{})
	variables["QUAY_ID_TOKEN_SOURCE"] = "github"
	delete(variables, "GITHUB_ACTIONS")
	if provider {
		variables = map[string]string{
			"QUAY_OIDC_ISSUER": box.URL + "/issuers/oidc", "OIDC_CLIENT_ID": sandbox.ConfidentialClient, "OIDC_CLIENT_SECRET": sandbox.ClientSecret,
		}
	}
	variables["QUAY_CA_CERTIFICATE"] = ca
	return variables
}

// loginTo is the command line of a login that is written to a file.
func loginTo(file string) []string {
	return []string{"login", faultsName, "--robot", "acme+ci", "--authfile", file}
}

// newFaultyQuay serves a sandbox with an entry for the OIDC provider's client.
func newFaultyQuay(t *testing.T, network *memory) *sandbox.Sandbox {
	t.Helper()
	robots := sandbox.DefaultRobots()
	robots[0].Federation = append(robots[0].Federation, sandbox.Entry{Issuer: "oidc", Subject: sandbox.ServiceAccountID, Audiences: []string{sandbox.ConfidentialClient}})
	return network.serve(t, faultsHost, sandbox.Config{Robots: robots})
}

// expectBounds holds whatever happened to the promises about every failure.
func (c faultCase) expectBounds(t *testing.T, code int, elapsed time.Duration, words string) {
	t.Helper()
	if !slices.Contains([]int{0, 1, 3, 4, 5}, code) {
		t.Errorf("exit code %d", code)
	}
	if elapsed > 90*time.Second {
		t.Errorf("it took %s, the deadline is 90s", elapsed)
	}
	if holdsSecret(words) || strings.Contains(words, sandbox.ClientSecret) || strings.Contains(words, "secret-of-another") {
		t.Errorf("it said a secret: %s", words)
	}
	if strings.ContainsAny(words, "\x1b\r") || strings.Contains("\n"+words, "\n::") {
		t.Errorf("it said what a terminal or a runner takes for a command: %q", words)
	}
	if errors := strings.Count("\n"+words, "\nerror: "); errors != min(code, 1) {
		t.Errorf("%d error lines with exit code %d: %s", errors, code, words)
	}
}

// span is how long it took, as far as that is not chance.
func span(elapsed time.Duration) string {
	switch {
	case elapsed < time.Second/10:
		return ", at once"
	case elapsed < 20*time.Second:
		return ", within 20s"
	}
	return ", within 90s"
}
