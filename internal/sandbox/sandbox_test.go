// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const exchangePath = "/oauth2/federation/robot/token"

// keys are shared: making them takes most of a test's time.
var keys = NewKeys()

// start gives a listening sandbox that ends with the test. Its clock stands
// still, but for Advance: how long a test takes must not matter.
func start(t *testing.T, cfg Config) *Sandbox {
	t.Helper()
	cfg.Keys = keys
	if now := time.Now(); cfg.Now == nil {
		cfg.Now = func() time.Time { return now }
	}
	sb, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	return sb
}

type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends one request, following no redirect.
func ask(t *testing.T, sb *Sandbox, method, path string, prepare ...func(*http.Request)) (reply, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, sb.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prepare {
		p(request)
	}
	client := sb.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(body)}, err
}

func mustAsk(t *testing.T, sb *Sandbox, method, path string, prepare ...func(*http.Request)) reply {
	t.Helper()
	r, err := ask(t, sb, method, path, prepare...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func basic(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func authorization(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", value) }
}

func mint(t *testing.T, sb *Sandbox, token Token) string {
	t.Helper()
	raw, err := sb.Mint(token)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// exchanged gives a robot token from a real exchange.
func exchanged(t *testing.T, sb *Sandbox, robot string) string {
	t.Helper()
	r := mustAsk(t, sb, "GET", exchangePath, basic(robot, mint(t, sb, Token{})))
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || r.status != http.StatusOK {
		t.Fatalf("exchange: %d %s %v", r.status, r.body, err)
	}
	return body.Token
}

func TestAnImageGoesInAndOutWithARobotToken(t *testing.T) {
	sb := start(t, Config{})
	image, err := random.Image(256, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(sb.Host + "/acme/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	as := func(robot string) []remote.Option {
		login := &authn.Basic{Username: robot, Password: exchanged(t, sb, robot)}
		return []remote.Option{remote.WithAuth(login), remote.WithTransport(sb.Client().Transport)}
	}
	if err := remote.Write(ref, image, as("acme+reader")...); err == nil || !strings.Contains(err.Error(), "UNAUTHORIZED") {
		t.Errorf("push by the reader: %v, want UNAUTHORIZED", err)
	}
	if err := remote.Write(ref, image, as("acme+ci")...); err != nil {
		t.Fatalf("push: %v", err)
	}
	pulled, err := remote.Image(ref, as("acme+reader")...)
	if err != nil {
		t.Fatalf("pull by the reader: %v", err)
	}
	want, _ := image.Digest()
	if got, err := pulled.Digest(); err != nil || got != want {
		t.Errorf("pulled %v (%v), pushed %v", got, err, want)
	}
	if _, err := remote.Image(ref, remote.WithTransport(sb.Client().Transport)); err == nil {
		t.Error("a pull without a login went through")
	}
}

func TestAnUnknownRouteIsLoud(t *testing.T) {
	var log strings.Builder
	sb := start(t, Config{Log: &log})
	for _, path := range []string{"/api/v1/superuser/users/", "/", "/v2/_catalog", "/issuers/nobody/jwks"} {
		r := mustAsk(t, sb, "POST", path)
		if r.status != http.StatusNotImplemented || !strings.Contains(r.body, "POST "+path) {
			t.Errorf("POST %s: %d %q, want a 501 that names it", path, r.status, r.body)
		}
	}
}
