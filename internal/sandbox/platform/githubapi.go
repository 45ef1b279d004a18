// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/sandbox/web"
)

// GitHubSubject is how a repository on GitHub differs from the old default.
type GitHubSubject struct {
	// Immutable is the form of 2026, with the numbers of owner and repository.
	Immutable bool `yaml:"immutable"`
	// ClaimKeys are those of a customized subject.
	ClaimKeys []string `yaml:"include_claim_keys"`
}

const githubAPIPath = "/github/api"

// githubPrefix is how the subjects of a repository begin.
func (s *Platforms) githubPrefix(repository string) string {
	owner, name, _ := strings.Cut(repository, "/")
	if s.subjects[repository].Immutable {
		return fmt.Sprintf("repo:%s@1001/%s@2001", owner, name)
	}
	return "repo:" + repository
}

// githubSubject is the subject of a job of such a repository. A customized one
// is not made.
func (s *Platforms) githubSubject(job Job) string {
	rest := strings.TrimPrefix(job.Subject(), "repo:"+job.withDefaults().Repository)
	return s.githubPrefix(job.withDefaults().Repository) + rest
}

// serveGitHubAPI is GitHub's REST API, as far as it tells how the subjects of a
// repository begin. There are the repositories of acme and the configured ones;
// every bearer token will do. The form is that of GitHub's documentation; as
// seen there, use_immutable_subject may be false where the prefix is immutable.
func (s *Platforms) serveGitHubAPI(w http.ResponseWriter, r *http.Request) {
	repository := r.PathValue("owner") + "/" + r.PathValue("repo")
	subject, configured := s.subjects[repository]
	message := func(status int, text string) {
		web.JSON(status, map[string]string{"message": text, "status": fmt.Sprint(status)}).Write(w)
	}
	switch {
	case r.Method != http.MethodGet:
		s.site.ServeUnknown(w, r)
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		message(http.StatusUnauthorized, "Requires authentication")
	case !configured && r.PathValue("owner") != "acme":
		message(http.StatusNotFound, "Not Found")
	default:
		body := map[string]any{
			"use_default": subject.ClaimKeys == nil, "use_immutable_subject": false, "sub_claim_prefix": s.githubPrefix(repository),
		}
		if subject.ClaimKeys != nil {
			body["include_claim_keys"] = subject.ClaimKeys
		}
		web.JSON(http.StatusOK, body).Write(w)
	}
}
