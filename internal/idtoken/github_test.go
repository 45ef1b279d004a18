// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

const (
	githubURL   = "https://run.actions.githubusercontent.com/x//idtoken/1/2?api-version=2.0"
	githubToken = "request-hunter2"
)

// able is a GitHub job with id-token: write.
func able(transport *server, address string) job {
	return job{transport: transport, variables: map[string]string{
		"GITHUB_ACTIONS":                 "true",
		"ACTIONS_ID_TOKEN_REQUEST_URL":   address,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": githubToken,
	}}
}

func TestGitHubRequest(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		githubURL,
		"https://run.actions.githubusercontent.com/no/query",
		"https://ghes.example/_services/pipelines/a/_apis/distributedtask/hubs/Actions/plans/b/jobs/c/idtoken?api-version=2.0&x=a%20b",
		"https://run.actions.acme.ghe.com/idtoken?api-version=2.0",
		"https://forgejo.example:3000/api/actions/_apis/pipelines/workflows/7/idtoken?api-version=2.0&placeholder=true",
		"http://localhost:8080/idtoken?api-version=2.0",
		"https://run.actions.githubusercontent.com/x?audience=default",
	} {
		for _, audience := range []string{"quay", "https://quay.example/a?b=c&d=e#f", "a b+c%2B", "é\n&audience=other"} {
			transport := &server{status: 200, body: `{"count":1,"value":"` + good(t) + `"}`}
			token, err := named(able(transport, address).env(), "github").IDToken(t.Context(), audience)
			if err != nil || token.Reveal() != good(t) || len(transport.seen) != 1 {
				t.Fatalf("%s: %v", address, err)
			}
			request := transport.seen[0]
			query := request.URL.Query()
			if got := query["audience"]; len(got) != 1 || got[0] != audience {
				t.Errorf("%s: asked for the audience %q, want %q", address, got, audience)
			}
			before, _, _ := strings.Cut(address, "?")
			if !strings.HasPrefix(request.URL.String(), before+"?") || strings.Contains(address, "api-version") && query.Get("api-version") != "2.0" {
				t.Errorf("%s became %s", address, request.URL)
			}
			if strings.Contains(address, "x=a%20b") && query.Get("x") != "a b" {
				t.Errorf("%s became %s", address, request.URL)
			}
			if got := request.Header.Get("Authorization"); got != "bearer "+githubToken {
				t.Errorf("authorized by %q", got)
			}
			request.Header.Del("Authorization")
			if text := fmt.Sprint(request.URL, request.Header); strings.Contains(text, githubToken) {
				t.Errorf("the request token is elsewhere too: %s", text)
			}
			if request.Method != "GET" || request.Body != nil {
				t.Errorf("%s with a body %v", request.Method, request.Body)
			}
		}
	}
}

func TestGitHubAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server server
		asked  int
		want   string
	}{
		{"denied", server{status: 403, body: `{"message":"permission \"id-token\"\nmissing"}`}, 1, `the ID token from github was denied with HTTP 403: "permission \"id-token\""`},
		{"denied without words", server{status: 401}, 1, "the ID token from github was denied with HTTP 401"},
		{"denied with a page", server{status: 404, body: "<html>"}, 1, "the ID token from github was denied with HTTP 404"},
		{"redirect", server{status: 302, location: "https://login.example/?a=b"}, 1, `the ID token from github was denied with HTTP 302 and a redirect to "https://login.example/", which is not followed`},
		{"permanent redirect", server{status: 308, location: "/elsewhere"}, 1, `the ID token from github was denied with HTTP 308 and a redirect to "/elsewhere", which is not followed`},
		{"no value", server{status: 200, body: `{"count":0}`}, 1, "GitHub's ID token endpoint at run.actions.githubusercontent.com answered without a token"},
		{"value of another type", server{status: 200, body: `{"value":1}`}, 1, "GitHub's ID token endpoint at run.actions.githubusercontent.com answered without a token"},
		{"page", server{status: 200, body: "<html><title>Sign in</title>"}, 1, "GitHub's ID token endpoint at run.actions.githubusercontent.com answered without a token"},
		{"nothing", server{status: 200}, 1, "GitHub's ID token endpoint at run.actions.githubusercontent.com answered without a token"},
		{"no JWT", server{status: 200, body: `{"value":"hunter2"}`}, 1, "the ID token from github is not a JWT"},
		{"500", server{status: 500, body: `{"message":"sorry"}`}, 3, "GitHub's ID token endpoint at run.actions.githubusercontent.com: HTTP 500 Internal Server Error (tried 3 times)"},
		{"503", server{status: 503}, 5, "GitHub's ID token endpoint at run.actions.githubusercontent.com: HTTP 503 Service Unavailable (tried 5 times)"},
		{"429", server{status: 429}, 5, "GitHub's ID token endpoint at run.actions.githubusercontent.com: HTTP 429 Too Many Requests (tried 5 times)"},
		{"reset", server{err: syscall.ECONNRESET}, 5, "GitHub's ID token endpoint at run.actions.githubusercontent.com: connection reset by peer (tried 5 times)"},
	}
	for _, test := range tests {
		token, err := named(able(&test.server, githubURL).env(), "github").IDToken(t.Context(), "quay")
		if err == nil || err.Error() != test.want || token.Subject != "" {
			t.Errorf("%s: got %v\nwant %s", test.name, err, test.want)
		}
		if len(test.server.seen) != test.asked {
			t.Errorf("%s: asked %d times, want %d", test.name, len(test.server.seen), test.asked)
		}
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", test.name, text)
		}
		var unreachable *endpoint.Unreachable
		if (test.asked > 1) != errors.As(err, &unreachable) {
			t.Errorf("%s is a %T", test.name, err)
		}
		if strings.Contains(test.want, "was denied") && problem(err) != idtoken.Denied {
			t.Errorf("%s is problem %s", test.name, problem(err))
		}
	}
}

func TestGitHubAddressThatIsNone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"no url", "/path", "https://", "https://a b/", "http://[::1"} {
		transport := &server{status: 200}
		_, err := named(able(transport, address).env(), "github").IDToken(t.Context(), "quay")
		if problem(err) != idtoken.Unreadable || !strings.Contains(err.Error(), "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL") || len(transport.seen) != 0 {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestGitHubWithoutPermission(t *testing.T) {
	t.Parallel()
	const (
		same    = `{"pull_request":{"head":{"repo":{"full_name":"acme/app"}},"base":{"repo":{"full_name":"Acme/App"}}}}`
		fork    = `{"pull_request":{"head":{"repo":{"full_name":"stranger/app"}},"base":{"repo":{"full_name":"acme/app"}}}}`
		deleted = `{"pull_request":{"head":{"repo":null},"base":{"repo":{"full_name":"acme/app"}}}}`
	)
	tests := []struct {
		name, event, file string
		want              idtoken.Problem
	}{
		{"push", "push", `{"ref":"refs/heads/main"}`, idtoken.NoPermission},
		{"push with a pull request in its event", "push", fork, idtoken.NoPermission},
		{"pull request of this repository", "pull_request", same, idtoken.NoPermission},
		{"pull request from a fork", "pull_request", fork, idtoken.ForkPullRequest},
		{"pull request from a fork that is gone", "pull_request", deleted, idtoken.ForkPullRequest},
		{"review of a fork's pull request", "pull_request_review", fork, idtoken.ForkPullRequest},
		{"pull_request_target of a fork, which may have tokens", "pull_request_target", fork, idtoken.NoPermission},
		{"no event file", "pull_request", "", idtoken.NoPermission},
		{"event file that is no JSON", "pull_request", "{", idtoken.NoPermission},
		{"event without a pull request", "pull_request", `{}`, idtoken.NoPermission},
		{"event without a base", "pull_request", `{"pull_request":{"head":{}}}`, idtoken.NoPermission},
	}
	cut := map[string]map[string]string{
		"no variables": {},
		"no URL":       {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"},
		"no token":     {"ACTIONS_ID_TOKEN_REQUEST_URL": githubURL},
	}
	for _, test := range tests {
		for name, variables := range cut {
			j := job{files: map[string]string{}, variables: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": test.event, "GITHUB_EVENT_PATH": "/github/event.json",
			}}
			maps.Copy(j.variables, variables)
			if test.file != "" {
				j.files["/github/event.json"] = test.file
			}
			_, err := named(j.env(), "github").IDToken(t.Context(), "quay")
			if problem(err) != test.want {
				t.Errorf("%s, %s: problem %s, %v", test.name, name, problem(err), err)
			}
			if fromFork := strings.Contains(err.Error(), "fork"); fromFork != (test.want == idtoken.ForkPullRequest) {
				t.Errorf("%s, %s: %v", test.name, name, err)
			}
		}
	}
}
