// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

// roundTripTime is that of a network on which nothing else takes time.
const roundTripTime = 50 * time.Millisecond

const (
	gitHubName = "token.example.com"
	otherQuay  = "other.example.com"
)

// TestRoundTrips holds commands to the number of round trips that they wait for,
// which is what they take where Quay is far away, and to their connections: each
// costs a round trip for TCP and one for TLS.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	gitLab := map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "", "GITHUB_ACTIONS": "", "GITLAB_CI": "true"}
	for name, c := range map[string]struct {
		args        []string
		variables   map[string]string
		input       string        // of a credential helper
		trips       time.Duration // one after the other
		connections int32
	}{
		// Two connections side by side, and on them the ID token and the ping; then
		// the exchange and the proof.
		"login":                {args: []string{"login", "--robot", "acme+ci"}, trips: 5, connections: 2},
		"login, unproved":      {args: []string{"login", "--robot", "acme+ci", "--verify=false"}, trips: 4, connections: 2},
		"login and check pull": {args: []string{"login", "--robot", "acme+ci", "--check", "acme/app:pull"}, trips: 6, connections: 2},
		"login and check push": {args: []string{"login", "--robot", "acme+ci", "--check", "acme/app:push"}, trips: 7, connections: 2},
		"several robots":       {args: []string{"login", "--robot", "acme+ci", "--robot", otherQuay + "/acme+reader"}, trips: 5, connections: 4},
		"token":                {args: []string{"token", "--robot", "acme+ci"}, trips: 5, connections: 2},
		"login on GitLab":      {args: []string{"login", "--robot", "acme+ci"}, variables: gitLab, trips: 5, connections: 1},
		"helper":               {args: []string{"get"}, input: faultsName, trips: 4, connections: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarQuay(t)
				defer f.network.close()
				env := f.env(t, c.variables)
				program := cli.Main
				if c.input != "" {
					f.installHelper(t, env)
					program = cli.CredentialHelper
				}
				env.Args, env.Stdin = c.args, strings.NewReader(c.input)
				start := time.Now()
				if code, _, stderr := run(t, program, env); code != 0 {
					t.Fatalf("exit code %d: %s", code, stderr)
				}
				if took := time.Since(start); took != c.trips*roundTripTime {
					t.Errorf("it took %s, want %d round trips of %s", took, c.trips, roundTripTime)
				}
				if made := f.connections.Load(); made != c.connections {
					t.Errorf("%d connections, want %d", made, c.connections)
				}
			})
		})
	}
}

// farQuay is a sandbox under three names, a round trip away.
type farQuay struct {
	network     *memory
	box         *sandbox.Sandbox
	connections atomic.Int32
}

func newFarQuay(t *testing.T) *farQuay {
	t.Helper()
	network := newMemory()
	return &farQuay{network: network, box: network.serve(t, faultsHost, sandbox.Config{Names: []string{gitHubName, otherQuay}})}
}

// env is that of a GitHub job, whose words are those of a terminal.
func (f *farQuay) env(t *testing.T, more map[string]string) process.Env {
	t.Helper()
	home := t.TempDir()
	gitLab, err := f.box.GitLabEnv()
	if err != nil {
		t.Fatal(err)
	}
	variables := f.box.GitHubEnv(sandbox.Job{})
	variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = strings.Replace(variables["ACTIONS_ID_TOKEN_REQUEST_URL"], faultsHost, gitHubName, 1)
	variables["QUAY_ID_TOKEN"], variables["QUAY_REGISTRY"] = gitLab["QUAY_ID_TOKEN"], faultsName
	variables["QUAY_CA_CERTIFICATE"] = string(f.box.CA)
	variables["HOME"], variables["DOCKER_CONFIG"] = home, home
	delete(variables, "GITHUB_ACTIONS")
	for name, value := range more {
		variables[name] = value
	}
	env := inMemory(f.network, variables)
	env.Transport = f.transport
	return env
}

func (f *farQuay) transport(config *tls.Config) http.RoundTripper {
	transport := f.network.transport(config)
	transport.DialContext = f.dial
	return transport
}

// dial takes a round trip: there with SYN, back with SYN and ACK.
func (f *farQuay) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	f.connections.Add(1)
	time.Sleep(roundTripTime)
	conn, err := f.network.dial(ctx, network, faultsHost)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	go carry(far, conn)
	go carry(conn, far)
	return near, nil
}

// carry brings what it reads to the other side, half a round trip later.
func carry(to io.WriteCloser, from io.Reader) {
	type piece struct {
		content []byte
		due     time.Time
	}
	pieces := make(chan piece, 100)
	go func() {
		defer close(pieces)
		for {
			content := make([]byte, 16<<10)
			n, err := from.Read(content)
			if err != nil {
				return
			}
			pieces <- piece{content[:n], time.Now().Add(roundTripTime / 2)}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		_, _ = to.Write(p.content)
	}
	_ = to.Close()
}

// installHelper leaves the job with a credential helper and without a connection.
func (f *farQuay) installHelper(t *testing.T, env process.Env) {
	t.Helper()
	env.Args = []string{"login", "--robot", "acme+ci", "--credential-helper", "--helper-dir", filepath.Join(env.Getenv("HOME"), "bin")}
	if code, _, stderr := run(t, cli.Main, env); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	f.network.hangUp()
	f.connections.Store(0)
}
