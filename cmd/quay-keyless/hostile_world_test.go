// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quay-keyless/internal/cli"
)

type object = map[string]any

// reply is what one address of a [world] says. No server could send all of it: the
// header's values are as they are.
type reply struct {
	status int
	body   any // an object, or text
	header map[string]string
}

// world is all that a job meets: its own variables, its ID token, the registry, and
// an OIDC provider, each by the path that is asked. It is a transport, so that
// headers too can have anything in them.
type world struct {
	claims, header object
	answers        map[string]reply
	variables      map[string]string
	stdin          string
	before         string // of the auth file

	mu   sync.Mutex
	seen []*http.Request
}

const (
	worldIssuer  = "https://issuer.example"
	worldAPI     = "/api/v1/organization/acme/robots/ci/federation"
	worldFolder  = "<folder>" // the job's own, in a variable
	worldClient  = "CLIENT-SECRET-OF-THE-WORLD"
	worldRequest = "REQUEST-TOKEN-OF-THE-WORLD"
)

// newWorld is one in which all goes well.
func newWorld() *world {
	now := time.Now()
	entry := object{"issuer": worldIssuer, "subject": "repo:acme/app:ref:refs/heads/main"}
	return &world{
		claims: object{"iss": worldIssuer, "sub": "repo:acme/app:ref:refs/heads/main", "aud": "quay", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()},
		header: object{"alg": "RS256", "kid": "key-1"},
		answers: map[string]reply{
			"/v2/":       {401, "", map[string]string{"Www-Authenticate": `Bearer realm="https://` + faultsName + `/v2/auth",service="quay"`}},
			"/v2/auth":   {200, object{"token": "x"}, nil},
			exchangePath: {200, object{"token": unsigned(object{"alg": "RS256"}, object{"sub": "acme+ci", "exp": now.Add(time.Hour).Unix()})}, nil},
			worldAPI:     {200, []any{entry}, nil},
			"/.well-known/openid-configuration": {200, object{
				"issuer": worldIssuer, "token_endpoint": worldIssuer + "/token", "device_authorization_endpoint": worldIssuer + "/device", "jwks_uri": worldIssuer + "/keys",
			}, nil},
			"/device": {200, object{"device_code": "D", "user_code": "U", "verification_uri": "https://issuer.example/d", "expires_in": 600}, nil},
			"/keys":   {200, object{"keys": []any{}}, nil},
		},
		variables: map[string]string{},
	}
}

// unsigned is a JWT that nobody verifies.
func unsigned(header, claims object) string {
	part := func(o object) string {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(header) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("signature"))
}

func (w *world) idToken() string { return unsigned(w.header, w.claims) }

func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, request)
	a, ok := w.answers[request.URL.Path]
	switch {
	case ok:
	case request.URL.Path == "/runner":
		a = reply{200, object{"value": w.idToken()}, nil}
	case request.URL.Path == "/token":
		a = reply{200, object{"access_token": "x", "id_token": w.idToken()}, nil}
	default:
		a = reply{404, object{"error_message": "Not Found"}, nil}
	}
	text, isText := a.body.(string)
	if !isText {
		encoded, err := json.Marshal(a.body)
		if err != nil {
			return nil, err
		}
		text = string(encoded)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range a.header {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: request}, nil
}

// job is what a program left behind in a host.
type job struct {
	folder, authFile string
	code             int
	stdout, stderr   string
	payload          string            // that may be masked, since it came as a token
	files            map[string]string // GITHUB_OUTPUT and its kin, Tekton's results
}

// worldHosts are the hosts' own variables; a value with / is a file of the job.
var worldHosts = map[string]map[string]string{
	"github": {
		"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": "/output", "GITHUB_ENV": "/env", "GITHUB_STATE": "/state", "GITHUB_PATH": "/path", "GITHUB_STEP_SUMMARY": "/summary",
	},
	"gitlab":   {"GITLAB_CI": "true"},
	"tekton":   {"TEKTON_RESULT_REGISTRY": "/registry", "TEKTON_RESULT_USERNAME": "/username", "TEKTON_RESULT_EXPIRES_AT": "/expires", "TEKTON_RESULT_AUTHFILE": "/authfile"},
	"terminal": {},
}

// run lets a host's job run a command in the world.
func (w *world) run(t *testing.T, host string, args []string) job {
	t.Helper()
	return w.runOver(t, host, args, w)
}

// runOver is run over another transport.
func (w *world) runOver(t *testing.T, host string, args []string, transport http.RoundTripper) job {
	t.Helper()
	j := job{folder: t.TempDir(), files: map[string]string{}}
	j.authFile = filepath.Join(j.folder, "auth.json")
	variables := map[string]string{"HOME": j.folder, "QUAY_AUTHFILE": j.authFile, "ID_TOKEN": w.idToken(), "QUAY_ID_TOKEN_ENV": "ID_TOKEN", "QUAY_API_TOKEN": "API-TOKEN-OF-THE-WORLD"}
	if host == "github" {
		delete(variables, "QUAY_ID_TOKEN_ENV")
		variables["ACTIONS_ID_TOKEN_REQUEST_URL"], variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "https://runner.example/runner", worldRequest
	}
	for name, value := range worldHosts[host] {
		if strings.HasPrefix(value, "/") {
			value = filepath.Join(j.folder, value)
		}
		if name == "GITHUB_STATE" { // as a runner does, by which the program knows one
			if err := os.WriteFile(value, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		variables[name] = value
	}
	for name, value := range w.variables {
		variables[name] = strings.ReplaceAll(value, worldFolder, j.folder)
	}
	if w.before != "" {
		if err := os.WriteFile(j.authFile, []byte(w.before), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := inProcess(variables, args...)
	env.Stdin = strings.NewReader(w.stdin)
	env.Transport = func(*tls.Config) http.RoundTripper { return transport }
	env.Clock = &quick{start: time.Now()}
	env.Executable = func() (string, error) { return "/usr/bin/quay-keyless", nil }
	j.code, j.stdout, j.stderr = run(t, cli.Main, env)
	for name, value := range worldHosts[host] {
		if text, err := os.ReadFile(variables[name]); err == nil && strings.HasPrefix(value, "/") {
			j.files[name] = string(text)
		}
	}
	return j
}

// quick is a clock whose waits take no time. It is for several goroutines.
type quick struct {
	start  time.Time
	waited atomic.Int64
}

func (q *quick) Now() time.Time { return q.start.Add(time.Duration(q.waited.Load())) }

func (q *quick) Sleep(ctx context.Context, d time.Duration) error {
	q.waited.Add(int64(d))
	return context.Cause(ctx)
}
