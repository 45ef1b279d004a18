// SPDX-License-Identifier: Apache-2.0

package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"quay-keyless/internal/sandbox"
)

// The platforms' doubles refuse what the platforms refuse, so that a client that
// leaves something out is noticed.
func TestOtherPlatformsRefuse(t *testing.T) {
	t.Parallel()
	sb := started(t)
	azure, err := sb.PlatformEnv("azure-pipelines")
	if err != nil {
		t.Fatal(err)
	}
	kite, err := sb.PlatformEnv("buildkite")
	if err != nil {
		t.Fatal(err)
	}
	token := "Token " + kite["BUILDKITE_AGENT_ACCESS_TOKEN"]
	tokens := kite["BUILDKITE_AGENT_ENDPOINT"] + "/jobs/" + kite["BUILDKITE_JOB_ID"] + "/oidc/tokens"
	identity, metadata := sb.URL+"/computeMetadata/v1/instance/service-accounts/default/identity", sb.URL+"/metadata/identity/oauth2/token"
	for name, c := range map[string]struct {
		method, url, body string
		header            []string // name, value, ...
		status            int
	}{
		"azure pipelines":                    {"POST", azure["SYSTEM_OIDCREQUESTURI"] + "?api-version=7.1", "", []string{"Authorization", "Bearer " + azure["SYSTEM_ACCESSTOKEN"]}, 200},
		"azure pipelines, GET":               {"GET", azure["SYSTEM_OIDCREQUESTURI"] + "?api-version=7.1", "", []string{"Authorization", "Bearer " + azure["SYSTEM_ACCESSTOKEN"]}, 405},
		"azure pipelines, no version":        {"POST", azure["SYSTEM_OIDCREQUESTURI"], "", []string{"Authorization", "Bearer " + azure["SYSTEM_ACCESSTOKEN"]}, 400},
		"azure pipelines, nobody":            {"POST", azure["SYSTEM_OIDCREQUESTURI"] + "?api-version=7.1", "", nil, 302},
		"azure pipelines, nobody, no page":   {"POST", azure["SYSTEM_OIDCREQUESTURI"] + "?api-version=7.1", "", []string{"X-Tfs-Fedauthredirect", "Suppress"}, 401},
		"buildkite":                          {"POST", tokens, `{"audience":"quay","subject_claim":"pipeline_id"}`, []string{"Authorization", token, "Content-Type", "application/json"}, 200},
		"buildkite, default subject":         {"POST", tokens, `{"audience":"quay"}`, []string{"Authorization", token, "Content-Type", "application/json"}, 200},
		"buildkite, no JSON":                 {"POST", tokens, `audience=quay`, []string{"Authorization", token, "Content-Type", "application/json"}, 422},
		"buildkite, another scheme":          {"POST", tokens, `{}`, []string{"Authorization", strings.Replace(token, "Token", "Bearer", 1)}, 401},
		"buildkite, another job":             {"POST", strings.Replace(tokens, kite["BUILDKITE_JOB_ID"], "other", 1), `{}`, []string{"Authorization", token}, 403},
		"google":                             {"GET", identity + "?audience=quay", "", []string{"Metadata-Flavor", "Google"}, 200},
		"google, no header":                  {"GET", identity + "?audience=quay", "", nil, 403},
		"google, forwarded":                  {"GET", identity + "?audience=quay", "", []string{"Metadata-Flavor", "Google", "X-Forwarded-For", "10.0.0.1"}, 403},
		"google, no audience":                {"GET", identity, "", []string{"Metadata-Flavor", "Google"}, 400},
		"azure identity":                     {"GET", metadata + "?api-version=2018-02-01&resource=api://quay", "", []string{"Metadata", "true"}, 200},
		"azure identity, no header":          {"GET", metadata + "?api-version=2018-02-01&resource=api://quay", "", nil, 400},
		"azure identity, no resource":        {"GET", metadata + "?api-version=2018-02-01", "", []string{"Metadata", "true"}, 400},
		"oidc, login without PKCE":           {"GET", sb.URL + "/issuers/oidc/auth?response_type=code&redirect_uri=http://127.0.0.1/x", "", nil, 400},
		"oidc, way back to another machine":  {"GET", sb.URL + "/issuers/oidc/auth?response_type=code&code_challenge_method=S256&redirect_uri=http://elsewhere/x", "", nil, 400},
		"oidc, tokens by GET":                {"GET", sb.URL + "/issuers/oidc/token", "", nil, 405},
		"oidc, a secret in the wrong place":  {"POST", sb.URL + "/issuers/oidc/token", "grant_type=client_credentials&client_id=ci&client_secret=" + sandbox.ClientSecret, []string{"Content-Type", "application/x-www-form-urlencoded"}, 401},
		"oidc, a secret in the right place":  {"POST", sb.URL + "/issuers/oidc-post/token", "grant_type=client_credentials&client_id=ci&client_secret=" + sandbox.ClientSecret, []string{"Content-Type", "application/x-www-form-urlencoded"}, 200},
		"oidc, a code that nobody was given": {"POST", sb.URL + "/issuers/oidc/token", "grant_type=authorization_code&client_id=cli&code=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
	} {
		if status, text := asked(t, sb, c.method, c.url, c.body, c.header...); status != c.status {
			t.Errorf("%s: HTTP %d, want %d: %s", name, status, c.status, text)
		}
	}
}

func started(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	sb, err := sandbox.New(sandbox.Config{})
	if err == nil {
		err = sb.Listen("127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	return sb
}

func TestUnknownPlatform(t *testing.T) {
	t.Parallel()
	if _, err := started(t).PlatformEnv("nowhere"); err == nil {
		t.Error("an unknown platform has an environment")
	}
}

// asked sends one request, its header as name, value, ..., and gives the answer,
// which may be a redirect.
func asked(t *testing.T, sb *sandbox.Sandbox, method, url, body string, header ...string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := sb.Client().Transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	words, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(words)
}
