// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

var (
	githubSubject  = platform.Pattern(`^repo:([^:]+):(?:(pull_request)|environment:(.+)|ref:(refs/.+))$`)
	gitlabSubject  = platform.Pattern(`^project_path:([^:]+):ref_type:(branch|tag):ref:(.+)$`)
	serviceAccount = platform.Pattern(`^system:serviceaccount:([^:]+):([^:]+)$`)
)

const gitlabIssuer = "https://gitlab.com"

// systems are the CI systems and clouds that an issuer tells by its beginning.
var systems = [][2]string{
	{"https://token.actions.", "GitHub"},
	{"https://gitlab.com", "GitLab"},
	{"https://agent.buildkite.com", "Buildkite"},
	{"https://oidc.circleci.com/", "CircleCI"},
	{"https://vstoken.dev.azure.com/", "Azure Pipelines"},
	{"https://api.bitbucket.org/", "Bitbucket"},
	{"https://login.app.env0.com/", "env zero"},
	{"https://app.terraform.io", "HCP Terraform"},
	{"https://accounts.google.com", "Google"},
	{"https://login.microsoftonline.com/", "Entra ID"},
	{"https://sts.windows.net/", "Entra ID"},
	{"https://kubernetes.default.svc", "Kubernetes"},
}

// IsGitHub reports an issuer of github.com, GHE.com or a GitHub Enterprise Server.
func IsGitHub(issuer string) bool {
	return githubHost().MatchString(issuer) || strings.HasPrefix(issuer, "https://") && strings.HasSuffix(issuer, "/_services/token")
}

// Read finds the flags that mean an issuer and a subject. Without any, they are --issuer
// and --subject.
func Read(issuer, subject string) Flags {
	plain := Flags{Issuer: issuer, Subject: subject}
	f := Flags{Issuer: issuer}
	usual := ""
	if m := githubSubject().FindStringSubmatch(subject); m != nil && IsGitHub(issuer) {
		f.GitHub, f.PullRequest, usual = m[1], m[2] != "", githubIssuer
		f.Environment, f.Ref = strings.ReplaceAll(m[3], "%3A", ":"), strings.ReplaceAll(strings.TrimPrefix(m[4], "refs/heads/"), "%3A", ":")
	} else if m := gitlabSubject().FindStringSubmatch(subject); m != nil {
		f.GitLab, f.Ref, usual = m[1], m[3], gitlabIssuer
		if m[2] == "tag" {
			f.Tag, f.Ref = m[3], ""
		}
	} else if m := serviceAccount().FindStringSubmatch(subject); m != nil {
		f.ServiceAccount = m[1] + "/" + m[2]
	}
	if tag, ok := strings.CutPrefix(f.Ref, "refs/tags/"); ok {
		f.Tag, f.Ref = tag, ""
	}
	if issuer == usual {
		f.Issuer = ""
	}
	if i, s, err := f.Compose(); err != nil || i != issuer || s != subject {
		return plain
	}
	return f
}

// Compose is the issuer and subject of the flags. It asks nobody: GitHub's repository is
// taken as it is written.
func (f Flags) Compose() (issuer, subject string, err error) {
	switch {
	case f.GitHub != "":
		if parts := githubRepository().FindStringSubmatch(f.GitHub); parts == nil || (parts[2] == "") != (parts[4] == "") {
			return "", "", &request.UsageError{Err: fmt.Errorf("github %q: write OWNER/REPO, or OWNER@ID/REPO@ID for the form with numbers", f.GitHub)}
		}
		return cmp.Or(f.Issuer, githubIssuer), "repo:" + f.GitHub + ":" + githubJob(f), nil
	case f.GitLab != "":
		return GitLabSubject(f)
	case f.ServiceAccount != "":
		subject, err = ServiceAccountSubject(f.ServiceAccount)
		return f.Issuer, subject, err
	}
	return f.Issuer, f.Subject, nil
}

// Describe names the CI system and the job that an issuer and a subject are for, as people
// call them.
func Describe(issuer, subject string) string {
	f := Read(issuer, subject)
	at := ""
	if u, err := url.Parse(f.Issuer); err == nil && u.Host != "" {
		at = " (" + u.Host + ")"
	}
	switch {
	case f.GitHub != "" && f.PullRequest:
		return "GitHub" + at + " " + f.GitHub + ", pull requests"
	case f.GitHub != "" && f.Environment != "":
		return "GitHub" + at + " " + f.GitHub + ", environment " + f.Environment
	case f.GitHub != "":
		return "GitHub" + at + " " + f.GitHub + ", " + f.refName()
	case f.GitLab != "":
		return "GitLab" + at + " " + f.GitLab + ", " + f.refName()
	case f.ServiceAccount != "":
		return "Kubernetes" + at + " service account " + f.ServiceAccount
	}
	for _, system := range systems {
		if strings.HasPrefix(issuer, system[0]) {
			return system[1] + " " + subject
		}
	}
	if at == "" {
		return subject
	}
	return strings.Trim(at, " ()") + " " + subject
}

func (f Flags) refName() string {
	switch {
	case f.Tag != "":
		return "tag " + f.Tag
	case strings.HasPrefix(f.Ref, "refs/"):
		return f.Ref
	}
	return "branch " + f.Ref
}
