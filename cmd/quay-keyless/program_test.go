// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

// inProcess is what a program has that runs within a test: the variables and arguments
// that it is given, the system's files, the loopback interface, and nobody who reads along. Its
// waits take no time.
func inProcess(variables map[string]string, args ...string) process.Env {
	env := systemEnv()
	env.Args, env.Stdin = args, strings.NewReader("")
	env.Getenv = func(name string) string {
		if value, ok := variables[name]; ok || name != "COLUMNS" {
			return value
		}
		return "500" // golden files are about whole lines
	}
	env.Clock = &impatient{}
	env.Transport = func(config *tls.Config) http.RoundTripper {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig, transport.DialContext = config, loopback
		return transport
	}
	env.StdoutClosed, env.Browse, env.Seconds = false, nil, nil
	env.Interruptible = context.WithCancel
	env.UID, env.OS = 1000, "linux" // root has folders for all users, and other systems have other ones
	return env
}

// loopback is the network of a machine without a way out: tests ask nobody outside.
func loopback(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && host != "localhost" && !ip.IsLoopback() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// systemEnv is asked once: it sets the umask, which the tests' files have too.
var systemEnv = sync.OnceValue(func() process.Env { return process.OS("v0.0.0-test", "") })

// inMemory is [inProcess] on a network in memory, where time is the test's.
func inMemory(network *memory, variables map[string]string, args ...string) process.Env {
	env := inProcess(variables, args...)
	env.Clock, env.Transport = systemEnv().Clock, network.usual
	return env
}

// run runs the program, or the credential helper that it also is.
func run(t *testing.T, program func(context.Context, process.Env) int, env process.Env) (code int, stdout, stderr string) {
	t.Helper()
	var out, words bytes.Buffer
	env.Stdout, env.Stderr = &out, &words
	return program(t.Context(), env), out.String(), words.String()
}

// newSandbox makes one whose time limits no busy machine comes to, unless the test
// is about them.
func newSandbox(config sandbox.Config) (*sandbox.Sandbox, error) {
	config.Keys = keys
	if config.Dial == nil {
		config.Dial = loopback
	}
	config.DiscoveryTimeout = cmp.Or(config.DiscoveryTimeout, time.Hour)
	config.FrontTimeout = cmp.Or(config.FrontTimeout, time.Hour)
	return sandbox.New(config)
}

// startSandbox starts one on the loopback interface.
func startSandbox(t *testing.T, config sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	sb, err := newSandbox(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	return sb
}
