// SPDX-License-Identifier: Apache-2.0

package subject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// Flags say which ID token an entry is for.
type Flags struct {
	Issuer, Subject                string
	FromToken                      bool
	GitHub, GitLab, ServiceAccount string
	Ref, Environment               string
	PullRequest                    bool

	AudienceGiven func() bool // on the command line
}

// AddTo declares the flags.
func (f *Flags) AddTo(flags request.FlagSet) {
	f.AudienceGiven = func() bool { return flags.Changed("audience") }
	flags.StringVar(&f.Issuer, "issuer", "", "`URL` of the ID tokens' issuer, as the token says it")
	flags.StringVar(&f.Subject, "subject", "", "`SUBJECT` of the ID tokens, as the token says it")
	flags.BoolVar(&f.FromToken, "from-token", false, "take issuer and subject from this job's own ID token")
	flags.StringVar(&f.GitHub, "github", "", "for jobs of the GitHub repository `OWNER/REPO`, with --ref, --environment or --pull-request")
	flags.StringVar(&f.GitLab, "gitlab", "", "for jobs of the GitLab project `GROUP/PROJECT`, with --ref")
	flags.StringVar(&f.ServiceAccount, "service-account", "", "for the Kubernetes service account `NAMESPACE/NAME`, with --issuer")
	flags.StringVar(&f.Ref, "ref", "", "a branch's `NAME`, or refs/tags/NAME for a tag")
	flags.StringVar(&f.Environment, "environment", "", "`NAME` of the GitHub environment that the job has")
	flags.BoolVar(&f.PullRequest, "pull-request", false, "for GitHub jobs of pull requests")
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
	for _, given := range []bool{f.Ref != "", f.Environment != "", f.PullRequest} {
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
		return errors.New("--github needs one of --ref, --environment and --pull-request; a job with an environment has that in its subject, and no ref")
	case f.GitLab != "" && (jobs != 1 || f.Ref == ""):
		return errors.New("--gitlab needs --ref, and nothing else")
	case f.GitHub == "" && f.GitLab == "" && jobs > 0:
		return fmt.Errorf("--ref, --environment and --pull-request go with --github, not with %s", ways[0])
	}
	return nil
}

// CheckNew is Check for an entry to add: it also finds values that can never match. An
// entry to remove may have them.
func (f *Flags) CheckNew() error {
	if err := f.Check(); err != nil {
		return err
	}
	for _, value := range [][2]string{{"issuer", f.Issuer}, {"subject", f.Subject}} {
		if value[1] != strings.TrimSpace(value[1]) {
			return fmt.Errorf("%s %q: there is white space around it", value[0], value[1])
		}
		if characters := platform.Invisible(value[1]); characters != "" {
			return fmt.Errorf("%s %q: it has characters that cannot be seen: %s", value[0], value[1], characters)
		}
	}
	if f.Issuer == "" {
		return nil
	}
	return request.CheckIssuerURL(f.Issuer)
}

// GitLabSubject is the default subject of GitLab's jobs (docs/platforms.md), which has
// the ref without refs/.
func GitLabSubject(f Flags) (issuer, subject string, err error) {
	kind, name := "branch", strings.TrimPrefix(f.Ref, "refs/heads/")
	if tag, ok := strings.CutPrefix(f.Ref, "refs/tags/"); ok {
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
