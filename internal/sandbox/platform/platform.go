// SPDX-License-Identifier: Apache-2.0

// Package platform is the CI platforms and OIDC providers of a sandbox: the
// endpoints that issue ID tokens, and the issuers whose keys Quay fetches.
package platform

import (
	"cmp"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"quay-keyless/internal/sandbox/jwt"
	"quay-keyless/internal/sandbox/web"
)

// Platforms answers for all platforms. They share the keys.
type Platforms struct {
	site     *web.Site
	keys     *jwt.Keys
	subjects map[string]GitHubSubject
	jobs     *jobs
	logins   *logins
}

// New returns the platforms. subjects are the repositories on GitHub (owner/name)
// whose subjects do not have the old default form.
func New(site *web.Site, keys *jwt.Keys, subjects map[string]GitHubSubject) *Platforms {
	return &Platforms{site: site, keys: keys, subjects: subjects, jobs: newJobs(), logins: newLogins()}
}

// Routes are the endpoints for jobs, machines and Quay.
func (s *Platforms) Routes() []web.Route {
	return append([]web.Route{
		{Pattern: githubPath, Target: web.IDToken, Handler: s.serveGitHub},
		{Pattern: githubAPIPath + "/repos/{owner}/{repo}/actions/oidc/customization/sub", Target: web.GitHubAPI, Handler: s.serveGitHubAPI},
		{Pattern: "/gitlab/token", Target: web.IDToken, Handler: s.serveGitLab},
		{Pattern: "/kubernetes/token", Target: web.IDToken, Handler: s.serveKubernetes},
		{Pattern: "/issuers/{name}/.well-known/openid-configuration", Target: web.Discovery, Handler: s.serveDiscovery},
		{Pattern: "/issuers/{name}/jwks", Target: web.JWKS, Handler: s.serveKeys},
	}, s.otherRoutes()...)
}

const githubPath = "/github/token"

// Job says which GitHub job asks for an ID token. The zero value is a push to
// main of acme/app.
type Job struct {
	Repository  string // owner/name
	Ref         string // refs/heads/main, refs/tags/v1
	Event       string // push, pull_request
	Environment string
}

func (j Job) withDefaults() Job {
	j.Repository = cmp.Or(j.Repository, "acme/app")
	j.Ref = cmp.Or(j.Ref, "refs/heads/main")
	j.Event = cmp.Or(j.Event, "push")
	return j
}

// Subject is the sub claim of such a job on GitHub.
func (j Job) Subject() string {
	j = j.withDefaults()
	switch {
	case j.Environment != "":
		return "repo:" + j.Repository + ":environment:" + j.Environment
	case j.Event == "pull_request":
		return "repo:" + j.Repository + ":pull_request"
	default:
		return "repo:" + j.Repository + ":ref:" + j.Ref
	}
}

// jobs knows the GitHub jobs by their request token.
type jobs struct {
	mu      sync.Mutex
	byToken map[string]Job
}

func newJobs() *jobs { return &jobs{byToken: map[string]Job{}} }

func (j *jobs) add(job Job) (requestToken string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	requestToken = rand.Text()
	j.byToken[requestToken] = job.withDefaults()
	return requestToken
}

func (j *jobs) find(requestToken string) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	job, ok := j.byToken[requestToken]
	return job, ok
}

// GitHubEnv is the environment of a GitHub job with id-token: write.
func (s *Platforms) GitHubEnv(job Job) map[string]string {
	job = job.withDefaults()
	owner, _, _ := strings.Cut(job.Repository, "/")
	return map[string]string{
		"CI": "true", "GITHUB_ACTIONS": "true",
		"GITHUB_REPOSITORY": job.Repository, "GITHUB_REPOSITORY_OWNER": owner,
		"GITHUB_REF": job.Ref, "GITHUB_EVENT_NAME": job.Event,
		"GITHUB_SERVER_URL":              s.site.URL,
		"GITHUB_API_URL":                 s.site.URL + githubAPIPath,
		"ACTIONS_ID_TOKEN_REQUEST_URL":   s.site.URL + githubPath + "?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": s.jobs.add(job),
	}
}

// GitLabEnv is the environment of a GitLab job that declares QUAY_ID_TOKEN
// with the audience quay and runs on main of acme/app.
func (s *Platforms) GitLabEnv() (map[string]string, error) {
	token, err := s.Mint(jwt.Spec{Issuer: "gitlab"})
	return map[string]string{
		"CI": "true", "GITLAB_CI": "true", "CI_SERVER_URL": s.site.URL,
		"CI_PROJECT_PATH": "acme/app", "CI_COMMIT_REF_NAME": "main",
		"QUAY_ID_TOKEN": token,
	}, err
}

// KubernetesToken is the content of a projected service account token file
// with the audience quay.
func (s *Platforms) KubernetesToken() (string, error) { return s.Mint(jwt.Spec{Issuer: "kubernetes"}) }

// serveGitHub is the endpoint behind ACTIONS_ID_TOKEN_REQUEST_URL.
func (s *Platforms) serveGitHub(w http.ResponseWriter, r *http.Request) {
	words := strings.Fields(r.Header.Get("Authorization"))
	if len(words) != 2 || !strings.EqualFold(words[0], "bearer") {
		words = []string{"", ""}
	}
	job, ok := s.jobs.find(words[1])
	switch {
	case r.Method != http.MethodGet:
		web.NotAllowed.Write(w)
		return
	case !ok:
		web.JSON(http.StatusUnauthorized, map[string]string{"message": "the request token is not one of a running job"}).Write(w)
		return
	}
	owner, _, _ := strings.Cut(job.Repository, "/")
	value, err := s.Mint(jwt.Spec{
		Subject:  s.githubSubject(job),
		Audience: []string{cmp.Or(r.URL.Query().Get("audience"), "https://github.com/"+owner)},
		Claims: map[string]any{
			"repository": job.Repository, "repository_owner": owner,
			"ref": job.Ref, "event_name": job.Event,
		},
	})
	if err != nil {
		web.InternalError.Write(w)
		return
	}
	reply := web.JSON(http.StatusOK, map[string]any{"count": len(value), "value": value})
	reply.Type = "application/json; charset=utf-8"
	reply.Write(w)
}

// serveGitLab mints the token of the job that the query describes:
// project_path, ref_type, ref, aud.
func (s *Platforms) serveGitLab(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	subject := "project_path:" + cmp.Or(q.Get("project_path"), "acme/app") +
		":ref_type:" + cmp.Or(q.Get("ref_type"), "branch") + ":ref:" + cmp.Or(q.Get("ref"), "main")
	s.serveRaw(w, jwt.Spec{Issuer: "gitlab", Subject: subject, Audience: q["aud"]})
}

// serveKubernetes mints the token of a service account: namespace,
// serviceaccount, aud.
func (s *Platforms) serveKubernetes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	subject := "system:serviceaccount:" + cmp.Or(q.Get("namespace"), "acme") + ":" + cmp.Or(q.Get("serviceaccount"), "pipeline")
	s.serveRaw(w, jwt.Spec{Issuer: "kubernetes", Subject: subject, Audience: q["aud"]})
}

func (s *Platforms) serveRaw(w http.ResponseWriter, t jwt.Spec) {
	value, err := s.Mint(t)
	if err != nil {
		web.InternalError.Write(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, value)
}

// platformShape are the claims that only this platform has, as far as they follow
// from the subject.
func platformShape(issuer, subject string, now time.Time) map[string]any {
	part := func(key string) string {
		_, rest, _ := strings.Cut(":"+subject, ":"+key+":")
		value, _, _ := strings.Cut(rest, ":")
		return value
	}
	switch issuer {
	case "github":
		repository := cmp.Or(part("repo"), "acme/app")
		owner, _, _ := strings.Cut(repository, "/")
		return map[string]any{
			"repository": repository, "repository_owner": owner, "repository_id": "2001", "repository_owner_id": "1001",
			"repository_visibility": "private", "ref": part("ref"), "event_name": "push", "actor": "acme-dev",
			"workflow": "build", "run_id": "30001", "run_attempt": "1", "runner_environment": "github-hosted",
			"nbf": now.Add(-10 * time.Minute).Unix(),
		}
	case "gitlab":
		return map[string]any{
			"project_path": part("project_path"), "project_id": "2001", "ref": part("ref"), "ref_type": part("ref_type"),
			"ref_protected": "true", "pipeline_source": "push", "pipeline_id": "30001", "job_id": "40001",
			"user_login": "acme-dev", "nbf": now.Add(-5 * time.Second).Unix(),
		}
	case "kubernetes":
		words := append(strings.Split(subject, ":"), "", "", "", "")
		return map[string]any{"kubernetes.io": map[string]any{
			"namespace":      words[2],
			"serviceaccount": map[string]any{"name": words[3], "uid": "sandbox-serviceaccount"},
			"pod":            map[string]any{"name": "build-pod", "uid": "sandbox-pod"},
		}}
	}
	return nil
}
