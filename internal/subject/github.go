// SPDX-License-Identifier: Apache-2.0

// Package subject holds how GitHub, GitLab and Kubernetes name a job in the subject of its
// ID token, and compares subjects.
package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

const githubIssuer = "https://token.actions.githubusercontent.com"

var (
	// githubRepository is OWNER/REPO. Immutable subjects have a number after each.
	githubRepository = platform.Pattern(`^([A-Za-z0-9_.-]+)(@\d+)?/([A-Za-z0-9_.-]+)(@\d+)?$`)
	// githubPrefix begins a subject that is not customized.
	githubPrefix = platform.Pattern(`^repo:[A-Za-z0-9_.-]+(@\d+)?/[A-Za-z0-9_.-]+(@\d+)?$`)
	// githubHost is an issuer of github.com or GHE.com, which have immutable subjects
	// since 2026; an enterprise may add its name.
	githubHost = platform.Pattern(`^https://token\.actions\.(githubusercontent\.com|([a-z0-9-]+\.ghe\.com))(/|$)`)
)

// GitHubSubject composes the subject of a GitHub job (docs.github.com, OpenID Connect
// reference). Only GitHub knows how it begins: with a token, its API tells; without one,
// assumed is a warning.
func GitHubSubject(ctx context.Context, run *process.Run, f Flags, client *endpoint.Client) (issuer, subject string, assumed *platform.Message, err error) {
	parts := githubRepository().FindStringSubmatch(f.GitHub)
	if parts == nil || (parts[2] == "") != (parts[4] == "") {
		return "", "", nil, &request.UsageError{Err: fmt.Errorf("github %q: write OWNER/REPO, or OWNER@ID/REPO@ID for the form with numbers", f.GitHub)}
	}
	issuer = f.Issuer
	if issuer == "" {
		issuer = githubIssuerHere(run)
		if err := request.CheckIssuerURL(issuer); err != nil {
			return "", "", nil, &request.UsageError{Err: fmt.Errorf("GITHUB_SERVER_URL: %w", err)}
		}
	}
	prefix := "repo:" + f.GitHub
	if parts[2] == "" {
		if prefix, assumed, err = askGitHubPrefix(ctx, run, client, issuer, f.GitHub); err != nil {
			return "", "", nil, err
		}
	}
	return issuer, prefix + ":" + githubJob(f), assumed, nil
}

// githubJob is the part of a subject after the repository. GitHub encodes colons in
// names.
func githubJob(f Flags) string {
	escape := strings.NewReplacer(":", "%3A").Replace
	switch {
	case f.Environment != "":
		return "environment:" + escape(f.Environment)
	case f.PullRequest:
		return "pull_request"
	case strings.HasPrefix(f.ref(), "refs/"):
		return "ref:" + escape(f.ref())
	}
	return "ref:refs/heads/" + escape(f.Ref)
}

// githubIssuerHere is the issuer of this job's GitHub, or of github.com.
func githubIssuerHere(run *process.Run) string {
	server, err := url.Parse(run.Env.Getenv("GITHUB_SERVER_URL"))
	switch {
	case err != nil || server.Host == "" || server.Host == "github.com":
		return githubIssuer
	case strings.HasSuffix(server.Host, ".ghe.com"):
		return "https://token.actions." + server.Host
	}
	return "https://" + server.Host + "/_services/token"
}

// askGitHubPrefix asks GitHub's API how the subjects of a repository begin. Without an
// answer it assumes the form with names.
func askGitHubPrefix(ctx context.Context, run *process.Run, client *endpoint.Client, issuer, repository string) (prefix string, assumed *platform.Message, err error) {
	names := "repo:" + repository
	if strings.HasSuffix(issuer, "/_services/token") { // a GitHub Enterprise Server has no other form
		return names, nil, nil
	}
	token, server := githubAPI(run, issuer)
	if token.Empty() || server == nil {
		return names, assumedForm(repository, "GitHub was not asked"), nil
	}
	run.Platform.Mask(token)
	address := server.JoinPath("repos", repository, "actions/oidc/customization/sub")
	name := "GitHub's API at " + server.Host
	answer, err := client.Do(ctx, name, func(context.Context) (*http.Request, error) {
		return &http.Request{Method: http.MethodGet, URL: address, Header: http.Header{
			"Authorization": {"Bearer " + token.Reveal()},
			"Accept":        {"application/vnd.github+json"},
		}}, nil
	})
	switch {
	case err != nil:
		return "", nil, err
	case answer.Status == http.StatusNotFound:
		return "", nil, &platform.Curable{
			Text:  fmt.Sprintf("%s knows no repository %s, or does not show it to this token", name, repository),
			Cures: []string{"the token in GH_TOKEN or GITHUB_TOKEN must be able to read the repository; without one its subject is assumed"},
		}
	case answer.Status != http.StatusOK:
		return names, assumedForm(repository, fmt.Sprintf("%s answered HTTP %d", name, answer.Status)), nil
	}
	prefix, err = readPrefix(name, repository, answer)
	return prefix, nil, err
}

// readPrefix reads GitHub's answer. Only sub_claim_prefix is reliable:
// use_immutable_subject was false where subjects are immutable.
func readPrefix(name, repository string, answer *endpoint.Answer) (string, error) {
	var body struct {
		Default   *bool    `json:"use_default"`
		ClaimKeys []string `json:"include_claim_keys"`
		Prefix    string   `json:"sub_claim_prefix"`
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		return "", &platform.Curable{Text: name + " answered with no JSON object", Cures: []string{"is GITHUB_API_URL the address of GitHub's API?"}}
	}
	usual := len(body.ClaimKeys) == 0 || slices.Equal(body.ClaimKeys, []string{"repo", "context"})
	switch {
	case body.Default != nil && !*body.Default && !usual:
		return "", &platform.Curable{
			Text:  fmt.Sprintf("%s has customized subjects (%s), which only a job can tell", repository, strings.Join(body.ClaimKeys, ", ")),
			Cures: []string{"in a job of that repository: quay-keyless whoami, then federation add --issuer ... --subject ... with what it says"},
		}
	case body.Prefix == "":
		return "repo:" + repository, nil
	case !githubPrefix().MatchString(body.Prefix):
		return "", &platform.Curable{Text: fmt.Sprintf("%s answered with the subject prefix %q, which is none", name, body.Prefix)}
	}
	return body.Prefix, nil
}

// assumedForm says that the form of the subject is a guess.
func assumedForm(repository, why string) *platform.Message {
	return &platform.Message{
		Text: fmt.Sprintf("%s, so the subject is assumed to have the form with names, repo:%s:...", why, repository),
		Hints: []string{
			"a repository created, renamed or transferred after 2026-07-15 has numbers in its subject, repo:OWNER@ID/REPO@ID:...; name them by --github OWNER@ID/REPO@ID, or set GH_TOKEN, and GitHub is asked",
			"in doubt, let the job tell: quay-keyless whoami",
		},
	}
}

// githubAPI is the API of the issuer's GitHub, and the token for it. The token goes only
// to GitHub's own hosts and to the API that the runner names, never to a host that only
// a flag names.
func githubAPI(run *process.Run, issuer string) (idtoken.Secret, *url.URL) {
	token := strings.TrimSpace(run.Env.Getenv("GH_TOKEN"))
	if token == "" {
		token = strings.TrimSpace(run.Env.Getenv("GITHUB_TOKEN"))
	}
	address := run.Env.Getenv("GITHUB_API_URL")
	if parts := githubHost().FindStringSubmatch(issuer); address == "" && parts != nil {
		address = "https://api.github.com"
		if parts[2] != "" {
			address = "https://api." + parts[2]
		}
	}
	server, err := url.Parse(address)
	if err != nil || server.Host == "" || ascii.Host(server.Host) != nil || server.Scheme != "https" && !net.ParseIP(server.Hostname()).IsLoopback() {
		return idtoken.Secret{}, nil
	}
	return idtoken.NewSecret(token), server
}
