// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/request"
)

// Flags say which ID token an entry is for.
type Flags struct {
	Issuer, Subject                string
	FromToken                      bool
	GitHub, GitLab, ServiceAccount string
	Ref, Tag, Environment          string
	PullRequest                    bool

	AudienceGiven func() bool // on the command line
}

// AddTo declares the flags.
func (f *Flags) AddTo(flags request.FlagSet) {
	f.AudienceGiven = func() bool { return flags.Changed("audience") }
	flags.StringVar(&f.Issuer, "issuer", "", "choose the issuer `URL`")
	flags.StringVar(&f.Subject, "subject", "", "choose the `SUBJECT`")
	flags.BoolVar(&f.FromToken, "from-token", false, "choose this job's own issuer and subject")
	flags.StringVar(&f.GitHub, "github", "", "choose GitHub jobs of `OWNER/REPO`")
	flags.StringVar(&f.GitLab, "gitlab", "", "choose GitLab jobs of `GROUP/PROJECT`")
	flags.StringVar(&f.ServiceAccount, "service-account", "", "choose Pods of `NAMESPACE/NAME`, with --issuer")
	flags.StringVar(&f.Ref, "ref", "", "only for the branch `NAME`, or refs/tags/NAME")
	flags.StringVar(&f.Tag, "tag", "", "only for the tag `NAME`")
	flags.StringVar(&f.Environment, "environment", "", "only for the GitHub environment `NAME`")
	flags.BoolVar(&f.PullRequest, "pull-request", false, "only for pull requests (GitHub)")
}

// Check finds flags that exclude each other.
func (f *Flags) Check() error {
	var ways []string
	for way, given := range map[string]bool{
		"--subject": f.Subject != "", "--from-token": f.FromToken, "--github": f.GitHub != "",
		"--gitlab": f.GitLab != "", "--service-account": f.ServiceAccount != "",
	} {
		if given {
			ways = append(ways, way)
		}
	}
	slices.Sort(ways)
	jobs := 0
	for _, given := range []bool{f.Ref != "", f.Tag != "", f.Environment != "", f.PullRequest} {
		if given {
			jobs++
		}
	}
	switch {
	case len(ways) == 0:
		return errors.New("which ID token? Say --from-token, --github, --gitlab, --service-account, or --issuer and --subject")
	case len(ways) > 1:
		return fmt.Errorf("%s name the ID token twice: one of them is enough", strings.Join(ways, " and "))
	case f.Issuer == "" && (f.Subject != "" || f.ServiceAccount != ""):
		return fmt.Errorf("%s needs --issuer URL", ways[0])
	case f.Issuer != "" && f.FromToken:
		return errors.New("--from-token takes the issuer from the ID token: leave --issuer out")
	case f.GitHub != "" && jobs != 1:
		return errors.New("--github needs one of --ref, --tag, --environment and --pull-request; a job with an environment has that in its subject, and no ref")
	case f.GitLab != "" && (jobs != 1 || f.Ref+f.Tag == ""):
		return errors.New("--gitlab needs --ref or --tag, and nothing else")
	case f.GitHub == "" && f.GitLab == "" && jobs > 0:
		return fmt.Errorf("--ref, --tag, --environment and --pull-request go with --github, not with %s", ways[0])
	}
	return nil
}

// ref is --ref, or that of --tag.
func (f Flags) ref() string {
	if f.Tag != "" {
		return "refs/tags/" + strings.TrimPrefix(f.Tag, "refs/tags/")
	}
	return f.Ref
}

// GitLabSubject is the default subject of GitLab's jobs (docs/platforms.md), which has
// the ref without refs/.
func GitLabSubject(f Flags) (issuer, subject string, err error) {
	kind, name := "branch", strings.TrimPrefix(f.ref(), "refs/heads/")
	if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		kind, name = "tag", tag
	}
	if !strings.Contains(f.GitLab, "/") || strings.ContainsAny(f.GitLab, ": \t") || strings.HasPrefix(f.GitLab, "/") {
		return "", "", &request.UsageError{Err: fmt.Errorf("gitlab %q: write GROUP/PROJECT, without the host", f.GitLab)}
	}
	issuer = f.Issuer
	if issuer == "" {
		issuer = "https://gitlab.com"
	}
	return issuer, "project_path:" + f.GitLab + ":ref_type:" + kind + ":ref:" + name, nil
}

// ServiceAccountSubject is how Kubernetes names a service account.
func ServiceAccountSubject(text string) (string, error) {
	namespace, name, found := strings.Cut(text, "/")
	if !found || namespace == "" || name == "" || strings.ContainsAny(text, ": \t") || strings.Contains(name, "/") {
		return "", &request.UsageError{Err: fmt.Errorf("service account %q: write NAMESPACE/NAME", text)}
	}
	return "system:serviceaccount:" + namespace + ":" + name, nil
}
