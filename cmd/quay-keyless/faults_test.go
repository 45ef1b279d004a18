// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
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
	standIn    = "stand-in.example:443" // where the faulty servers listen
)

// endpointPaths are what a login asks, by the sandbox's names.
var endpointPaths = map[string]string{
	sandbox.IDToken: "/github/token", sandbox.Ping: "/v2/", sandbox.Exchange: exchangePath, sandbox.Auth: "/v2/auth",
}

// TestFaults holds a login to each endpoint's failing in each way: it ends
// within its deadline, with the exit code, the number of requests and the words
// that testdata/faults has, and leaves every file as it was. The network is in
// memory and the clock a fake one, so that slow is a matter of no time.
func TestFaults(t *testing.T) {
	faults := allFaults(recordedRefusals(t))
	for _, endpoint := range slices.Sorted(maps.Keys(endpointPaths)) {
		t.Run(endpoint, func(t *testing.T) {
			golden := readFaults(t, endpoint)
			for _, c := range faults {
				if c.only == "" || c.only == endpoint {
					t.Run(c.name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { golden.compare(t, c.name, c.meet(t, endpoint)) })
					})
				}
			}
			golden.write(t)
		})
	}
}

// recordedRefusals are what a real Quay's exchange said in its 400s.
func recordedRefusals(t *testing.T) []string {
	t.Helper()
	messages := map[string]bool{}
	for name, releases := range recordings(t) {
		for _, answered := range releases {
			var body struct{ Message string }
			status, _ := answered.Status.(float64)
			if status == http.StatusBadRequest && !strings.HasPrefix(name, "fed ") && json.Unmarshal([]byte(answered.Body), &body) == nil {
				messages[body.Message] = true
			}
		}
	}
	if len(messages) < 15 {
		t.Fatalf("%d recorded refusals, want more", len(messages))
	}
	return slices.Sorted(maps.Keys(messages))
}

// meet logs in while the endpoint has the fault, and tells what came of it.
func (c faultCase) meet(t *testing.T, endpoint string) string {
	network := newMemory()
	box := newFaultyQuay(t, network)
	trusted := newAuthority(t)
	if serve, ok := faultyServers[c.server]; ok {
		listener := network.listen(standIn)
		defer listener.Close() //nolint:errcheck // in memory
		serve(t, listener, trusted)
	} else if c.server == "" {
		c.sandbox.Target = endpoint
		if c.sandbox.Location == loop {
			c.sandbox.Location = endpointPaths[endpoint]
		}
		box.Fault(c.sandbox)
	}
	file := filepath.Join(t.TempDir(), "auth.json")
	before := otherLogin(faultsName)
	if err := os.WriteFile(file, before, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := &asking{counts: map[string]int{}}
	transport := func(config *tls.Config) http.RoundTripper {
		return asked.through(network, config, endpoint, c.server != "")
	}
	code, elapsed, stdout, stderr := logInAt(t, box, string(box.CA)+trusted.pem(), file, transport)
	asked.close()
	_ = box.Close()
	time.Sleep(time.Minute) // of the fake clock, in which all connections end
	c.expectBounds(t, code, elapsed, stderr+stdout)
	if code != 0 {
		expectUntouched(t, file, before)
	}
	words := strings.NewReplacer(file, "<authfile>",
		"http2: client conn could not be established", "<churn>", "the server ends each connection before it takes a request", "<churn>", // chance
	).Replace(stderr)
	return fmt.Sprintf("exit %d, %s%s\n%s", code, asked, span(elapsed), steady(words))
}

// logInAt runs a login as a job of GitHub's, whose words are those of a terminal.
func logInAt(t *testing.T, box *sandbox.Sandbox, ca, file string, transport func(*tls.Config) http.RoundTripper) (code int, took time.Duration, stdout, stderr string) {
	variables := box.GitHubEnv(sandbox.Job{})
	variables["QUAY_CA_CERTIFICATE"], variables["HOME"] = ca, filepath.Dir(file)
	delete(variables, "GITHUB_ACTIONS")
	var out, words bytes.Buffer
	start := time.Now()
	code = cli.Main(t.Context(), cli.Env{
		Args:          []string{"login", faultsName, "--robot", "acme+ci", "--authfile", file, "--id-token-source", "github"},
		Getenv:        func(name string) string { return variables[name] },
		Stdin:         strings.NewReader(""),
		Stdout:        &out,
		Stderr:        &words,
		ReadFile:      os.ReadFile,
		Transport:     transport,
		Clock:         cli.OS("").Clock,
		Interruptible: context.WithCancel,
		Version:       "v0.0.0-test",
	})
	return code, time.Since(start), out.String(), words.String()
}

// newFaultyQuay serves a sandbox in memory, where its own requests go too.
func newFaultyQuay(t *testing.T, network *memory) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{Keys: keys, Dial: network.dial})
	if err == nil {
		err = box.Serve(faultsHost, network.listen(faultsHost), network.listen("plain.example:80"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return box
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
	if holdsSecret(words) || strings.Contains(words, "secret-of-another") {
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
