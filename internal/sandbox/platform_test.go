// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/platform"
)

// idToken asks GitHub's endpoint as a job does and gives the token's claims.
func idToken(t *testing.T, sb *Sandbox, job Job, query string) (string, map[string]any) {
	t.Helper()
	env := sb.GitHubEnv(job)
	path, ok := strings.CutPrefix(env["ACTIONS_ID_TOKEN_REQUEST_URL"], sb.URL)
	if !ok || !strings.Contains(path, "?") {
		t.Fatalf("request URL %q", env["ACTIONS_ID_TOKEN_REQUEST_URL"])
	}
	got := mustAsk(t, sb, "GET", path+query, authorization("bearer "+env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]))
	var body struct{ Value string }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	token, err := jwt.Parse(body.Value)
	if err != nil {
		t.Fatal(err)
	}
	return body.Value, token.Claims
}

func TestGitHubsTokenEndpoint(t *testing.T) {
	sb := start(t, Config{})
	for _, test := range []struct {
		job               Job
		query             string
		subject, audience string
	}{
		{Job{}, "&audience=quay", "repo:acme/app:ref:refs/heads/main", "quay"},
		{Job{}, "&audience=https%3A%2F%2Fquay.example%2F%3Fa%26b", "repo:acme/app:ref:refs/heads/main", "https://quay.example/?a&b"},
		{Job{}, "", "repo:acme/app:ref:refs/heads/main", "https://github.com/acme"},
		{Job{Ref: "refs/tags/v1"}, "&audience=quay", "repo:acme/app:ref:refs/tags/v1", "quay"},
		{Job{Event: "pull_request"}, "&audience=quay", "repo:acme/app:pull_request", "quay"},
		{Job{Environment: "release", Event: "pull_request"}, "&audience=quay", "repo:acme/app:environment:release", "quay"},
	} {
		_, claims := idToken(t, sb, test.job, test.query)
		if claims["sub"] != test.subject || claims["aud"] != test.audience || claims["iss"] != sb.URL+"/issuers/github" ||
			claims["exp"].(float64)-claims["iat"].(float64) != 300 {
			t.Errorf("%+v%s: %v", test.job, test.query, claims)
		}
	}
	for _, header := range []string{"", "bearer wrong", "Basic wrong"} {
		if got := mustAsk(t, sb, "GET", "/github/token"+"?api-version=2.0", authorization(header)); got.status != 401 {
			t.Errorf("Authorization %q: %d", header, got.status)
		}
	}
}

func TestEveryPlatformsDefaultJobIsTrusted(t *testing.T) {
	sb := start(t, Config{})
	fromGitHub, _ := idToken(t, sb, Job{}, "&audience=quay")
	gitlab, err := sb.GitLabEnv()
	if err != nil {
		t.Fatal(err)
	}
	kubernetes, err := sb.KubernetesToken()
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"github": fromGitHub, "gitlab": gitlab["QUAY_ID_TOKEN"], "kubernetes": kubernetes,
		"gitlab's endpoint":     mustAsk(t, sb, "GET", "/gitlab/token?aud=quay").body,
		"kubernetes's endpoint": mustAsk(t, sb, "GET", "/kubernetes/token?aud=quay").body,
	} {
		if got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", token)); got.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestMintsTakeSubjectAndAudience(t *testing.T) {
	sb := start(t, Config{})
	for _, test := range []struct {
		path, subject string
		audience      any
	}{
		{"/gitlab/token?aud=a&project_path=acme/sub/app&ref=v1&ref_type=tag", "project_path:acme/sub/app:ref_type:tag:ref:v1", "a"},
		{"/kubernetes/token?aud=a&aud=b&namespace=build&serviceaccount=robot", "system:serviceaccount:build:robot", []any{"a", "b"}},
		{"/kubernetes/token?aud=a", "system:serviceaccount:acme:pipeline", []any{"a"}},
	} {
		token, err := jwt.Parse(mustAsk(t, sb, "GET", test.path).body)
		if err != nil {
			t.Fatalf("%s: %v", test.path, err)
		}
		if token.Claims["sub"] != test.subject || !reflect.DeepEqual(token.Claims["aud"], test.audience) {
			t.Errorf("%s: %v", test.path, token.Claims)
		}
	}
}

func TestMintNeedsAListener(t *testing.T) {
	sb, err := New(Config{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := sb.Mint(Token{}); err == nil {
		t.Errorf("minted %s without an issuer URL", token)
	}
}

func TestConfiguration(t *testing.T) {
	cfg, err := ReadConfig([]byte(`
release: 3.16.2
robots:
- name: acme+ci
  password: STATIC
  creator: true
  federation:
  - {issuer: github, subject: a, audiences: [quay]}
  - {issuer: "${SELF}/issuers/gitlab", subject: b}
  grants: {acme/app: write}
disabled_organizations: [gone]
robots_disallow: true
robots_whitelist: [acme+ci]
readonly: true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Release: "3.16.2", DisabledOrganizations: []string{"gone"}, RobotsDisallow: true, RobotsWhitelist: []string{"acme+ci"}, ReadOnly: true,
		Robots: []Robot{{Name: "acme+ci", Password: "STATIC", Creator: true, Grants: map[string]Role{"acme/app": Write}, Federation: []Entry{
			{Issuer: "github", Subject: "a", Audiences: []string{"quay"}}, {Issuer: "${SELF}/issuers/gitlab", Subject: "b"},
		}}},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v, want %+v", cfg, want)
	}
	for _, wrong := range []string{"colour: red", "release: 2.0", "robots: [{name: ci}]", "robots: [{name: acme+ci, grants: {acme/app: own}}]", "["} {
		if cfg, err := ReadConfig([]byte(wrong)); err == nil {
			t.Errorf("%q was taken: %+v", wrong, cfg)
		}
	}
}

func TestIssuerNames(t *testing.T) {
	sb := start(t, Config{})
	for name, want := range map[string]string{
		"github": sb.URL + "/issuers/github", "good/": sb.URL + "/issuers/good/",
		"${SELF}/issuers/x": sb.URL + "/issuers/x", "https://issuer.example/a": "https://issuer.example/a",
	} {
		if got := sb.Issuer(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// An issuer that the sandbox does not serve itself is trusted by its CA alone.
func TestAForeignIssuer(t *testing.T) {
	home := start(t, Config{})
	issuer := home.URL + "/issuers/good"
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, home.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	robots := []Robot{{Name: "acme+ci", Federation: []Entry{{Issuer: issuer, Subject: platform.DefaultSubject("")}}}}
	for _, test := range []struct {
		cfg    Config
		status int
	}{{Config{Robots: robots, IssuerCAFile: file}, 200}, {Config{Robots: robots}, 502}} {
		sb := start(t, test.cfg)
		token := mint(t, home, Token{Issuer: issuer})
		if got := mustAsk(t, sb, "GET", exchangePath, basic("acme+ci", token)); got.status != test.status {
			t.Errorf("CA file %q: %d %s, want %d", test.cfg.IssuerCAFile, got.status, got.body, test.status)
		}
	}
}

func TestTheSameWithoutTLSAndBehindAnotherServer(t *testing.T) {
	sb := start(t, Config{})
	server := httptest.NewServer(sb.Handler())
	defer server.Close()
	for _, base := range []string{sb.PlainURL, server.URL} {
		response, err := http.Get(base + "/v2/")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if want := `Bearer realm="` + base + `/v2/auth",service="` + strings.TrimPrefix(base, "http://") + `"`; response.Header.Get("WWW-Authenticate") != want {
			t.Errorf("challenge %q, want %q", response.Header.Get("WWW-Authenticate"), want)
		}
	}
}

func TestTheCertificateNamesThisMachine(t *testing.T) {
	sb := start(t, Config{Names: []string{"quay.acme.example"}})
	transport := sb.Client().Transport.(*http.Transport)
	for _, name := range []string{"127.0.0.1", "::1", "localhost", "quay.acme.example"} {
		config := transport.TLSClientConfig.Clone()
		config.ServerName = name
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		response, err := client.Get(sb.URL + "/v2/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = response.Body.Close()
	}
}

func TestTheJPlainIssuersKeysHaveNoTLS(t *testing.T) {
	sb := start(t, Config{})
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := json.Unmarshal([]byte(mustAsk(t, sb, "GET", "/issuers/jplain"+"/.well-known/openid-configuration").body), &document); err != nil {
		t.Fatal(err)
	}
	if document.KeysURL != sb.PlainURL+"/issuers/jplain/jwks" {
		t.Errorf("jwks_uri %s", document.KeysURL)
	}
}
