// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
	"quay-keyless/internal/sandbox"
)

// jobLog is the log of a job. It closes seen when it has a line of this form.
type jobLog struct {
	form *regexp.Regexp
	seen chan struct{}
	once sync.Once
	text strings.Builder
}

func (l *jobLog) Write(line []byte) (int, error) {
	l.text.Write(line)
	if l.form.Match(line) || l.text.Len() > 1<<20 { // it never comes
		l.once.Do(func() { close(l.seen) })
	}
	return len(line), nil
}

// slow is a transport whose requests to this path take as long as the log needs.
type slow struct {
	http.RoundTripper
	path    string
	log     *jobLog
	seconds chan<- time.Time
}

func (s slow) RoundTrip(request *http.Request) (*http.Response, error) {
	for waits := strings.Contains(request.URL.Path, s.path); waits; {
		select {
		case s.seconds <- time.Time{}:
		case <-s.log.seen:
			waits = false
		}
	}
	return s.RoundTripper.RoundTrip(request)
}

// waitingVariables are a job's, which may also use the API.
func waitingVariables(t *testing.T, sb *sandbox.Sandbox) map[string]string {
	variables := sb.GitHubEnv(sandbox.Job{})
	variables["GITHUB_ACTIONS"] = ""
	variables["QUAY_REGISTRY"], variables["QUAY_CA_CERTIFICATE"], variables["QUAY_API_TOKEN"] = sb.Host, string(sb.CA), sb.APIToken()
	variables["HOME"], variables["REGISTRY_AUTH_FILE"] = t.TempDir(), filepath.Join(t.TempDir(), "auth.json")
	return variables
}

// A slow Quay is named in the log of a job.
func TestWaitingIsShown(t *testing.T) {
	t.Parallel()
	sb := startSandbox(t, sandbox.Config{})
	for _, test := range []struct{ command, slow, line string }{
		{"login --robot acme+ci", "/v2/", `waiting for the registry at HOST \(\d+ s\)\n`},
		{"login --robot acme+ci", "/oauth2/federation/", `waiting for HOST to exchange the ID token \(\d+ s\)\n`},
		{"login --robot acme+ci", "/v2/auth", `waiting for HOST to accept the login \(\d+ s\)\n`},
		{"doctor --robot acme+ci", "/oauth2/federation/", `waiting for HOST to exchange the ID token \(\d+ s\)\n`},
		{"setup --robot acme+ci --from-token", "/api/v1/", `waiting for HOST to show acme, 0 of 1 requests done \(\d+ s\)\n`},
		{"setup --robot acme+fresh --grant app=write --create-repositories --from-token", "/permissions/user/acme+fresh", `waiting for HOST to change acme, \d of \d changes done \(\d+ s\)\n`},
		{"audit --org acme", "/logs", `waiting for HOST to show acme, [1-9]\d* of \d+ requests done \(\d+ s\)\n`},
	} {
		t.Run(test.command+test.slow, func(t *testing.T) {
			t.Parallel()
			said := &jobLog{form: regexp.MustCompile(strings.ReplaceAll(test.line, "HOST", sb.Host)), seen: make(chan struct{})}
			env := inProcess(waitingVariables(t, sb), strings.Fields(test.command)...)
			seconds := make(chan time.Time)
			env.Stdout, env.Stderr = &strings.Builder{}, said
			env.Seconds = func() (<-chan time.Time, func()) { return seconds, func() {} }
			transport := env.Transport
			env.Transport = func(config *tls.Config) http.RoundTripper { return slow{transport(config), test.slow, said, seconds} }
			if code := cli.Main(t.Context(), env); code != 0 || !said.form.MatchString(said.text.String()) {
				t.Errorf("exit code %d, and it said\n%s", code, said.text.String())
			}
		})
	}
}

// Nothing is shown where it would be in the way: beside JSON, and in what tools read.
func TestWaitingIsNotShown(t *testing.T) {
	t.Parallel()
	sb := startSandbox(t, sandbox.Config{})
	silent := func(program func(context.Context, process.Env) int, stdin string, args ...string) {
		env := inProcess(waitingVariables(t, sb), args...)
		env.Stdin = strings.NewReader(stdin)
		env.Seconds = func() (<-chan time.Time, func()) {
			t.Errorf("%q shows that it waits", args)
			return nil, func() {}
		}
		run(t, program, env)
	}
	silent(cli.Main, "", "login", "--robot", "acme+ci", "--output", "json")
	silent(cli.Main, "", "audit", "--org", "acme", "--output", "json")
	silent(cli.Main, "{}", "credential-provider")
	silent(cli.CredentialHelper, sb.Host, "get")
}
