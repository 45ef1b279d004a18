// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// flagSet is shorter to write.
type flagSet = *pflag.FlagSet

// entryFlags say which ID token an entry is for.
type entryFlags struct {
	issuer, subject                string
	audiences                      []string
	fromToken                      bool
	github, gitlab, serviceAccount string
	ref, environment               string
	pullRequest                    bool
}

func (f *entryFlags) addTo(flags flagSet, mint *mintFlags) {
	flags.StringVar(&f.issuer, "issuer", "", "`URL` of the ID tokens' issuer, as the token says it")
	flags.StringVar(&f.subject, "subject", "", "`SUBJECT` of the ID tokens, as the token says it")
	flags.BoolVar(&f.fromToken, "from-token", false, "take issuer and subject from this job's own ID token")
	flags.StringVar(&f.github, "github", "", "for jobs of the GitHub repository `OWNER/REPO`, with --ref, --environment or --pull-request")
	flags.StringVar(&f.gitlab, "gitlab", "", "for jobs of the GitLab project `GROUP/PROJECT`, with --ref")
	flags.StringVar(&f.serviceAccount, "service-account", "", "for the Kubernetes service account `NAMESPACE/NAME`, with --issuer")
	flags.StringVar(&f.ref, "ref", "", "a branch's `NAME`, or refs/tags/NAME for a tag")
	flags.StringVar(&f.environment, "environment", "", "`NAME` of the GitHub environment that the job has")
	flags.BoolVar(&f.pullRequest, "pull-request", false, "for GitHub jobs of pull requests")
	flags.StringVar(&mint.source, "id-token-source", "auto", "`NAME` of the place the ID token comes from: auto, github, gitlab or kubernetes")
	flags.StringVar(&mint.tokenFile, "id-token-file", "", "read the ID token from the file at `PATH`")
	flags.StringVar(&mint.tokenEnv, "id-token-env", "", "read the ID token from the variable `NAME`")
	flags.BoolVar(&mint.tokenStdin, "id-token-stdin", false, "read the ID token from standard input")
}

// check finds what goes together only in other ways.
func (f *entryFlags) check() error {
	var ways []string
	for way, given := range map[string]bool{
		"--subject": f.subject != "", "--from-token": f.fromToken, "--github": f.github != "",
		"--gitlab": f.gitlab != "", "--service-account": f.serviceAccount != "",
	} {
		if given {
			ways = append(ways, way)
		}
	}
	slices.Sort(ways)
	jobs := 0
	for _, given := range []bool{f.ref != "", f.environment != "", f.pullRequest} {
		if given {
			jobs++
		}
	}
	switch {
	case len(ways) == 0:
		return errors.New("which ID token? Say --from-token, --github, --gitlab, --service-account, or --issuer and --subject")
	case len(ways) > 1:
		return fmt.Errorf("%s name the ID token twice: one of them is enough", strings.Join(ways, " and "))
	case f.issuer == "" && (f.subject != "" || f.serviceAccount != ""):
		return fmt.Errorf("%s needs --issuer URL", ways[0])
	case f.issuer != "" && f.fromToken:
		return errors.New("--from-token takes the issuer from the ID token: leave --issuer out")
	case f.github != "" && jobs != 1:
		return errors.New("--github needs one of --ref, --environment and --pull-request; a job with an environment has that in its subject, and no ref")
	case f.gitlab != "" && (jobs != 1 || f.ref == ""):
		return errors.New("--gitlab needs --ref, and nothing else")
	case f.github == "" && f.gitlab == "" && jobs > 0:
		return fmt.Errorf("--ref, --environment and --pull-request go with --github, not with %s", ways[0])
	}
	return f.checkValues()
}

// checkValues finds values that can never match.
func (f *entryFlags) checkValues() error {
	for name, value := range map[string]string{"issuer": f.issuer, "subject": f.subject} {
		if value != strings.TrimSpace(value) {
			return fmt.Errorf("%s %q: there is white space around it", name, value)
		}
	}
	if slices.ContainsFunc(f.audiences, func(audience string) bool { return strings.TrimSpace(audience) == "" }) {
		return errors.New("the audience is empty")
	}
	if f.issuer == "" {
		return nil
	}
	u, err := url.Parse(f.issuer)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("issuer %q: it is a URL, as https://token.actions.githubusercontent.com", f.issuer)
	case u.Scheme != "https":
		return fmt.Errorf("issuer %q: Quay needs https; with %s it stores the entry, and the exchange fails", f.issuer, u.Scheme)
	}
	return nil
}

// wantedEntry is the entry that the user means.
type wantedEntry struct {
	issuer, subject string
	audiences       []string // those of the job's token, or that the user named
	explicit        bool     // the user named them, so it is an error if they are not stored
}

// expected are the audiences that the job's token has.
func (e wantedEntry) expected() []string {
	if len(e.audiences) == 0 {
		return []string{defaultAudience}
	}
	return e.audiences
}

// sent are the audiences to send with a new entry: none where they are what
// Quay assumes, since up to 3.18 it stores none.
func (e wantedEntry) sent() []string {
	if slices.Contains(e.expected(), defaultAudience) && (!e.explicit || len(e.audiences) == 1) {
		return nil
	}
	return e.audiences
}

// restricts reports whether a stored entry has the audiences that are wanted. An
// entry without any is as good where quay is wanted: up to 3.18 no other can be had.
func (e wantedEntry) restricts(stored quay.Entry) bool {
	if !stored.Restricted() {
		return len(e.sent()) == 0
	}
	wanted, have := slices.Sorted(slices.Values(e.audiences)), slices.Sorted(slices.Values(stored.Audiences))
	return slices.Equal(wanted, have)
}

// wantedEntry finds out which entry the flags mean.
func (a *app) wantedEntry(ctx context.Context, api apiFlags, f entryFlags, t target) (wantedEntry, error) {
	entry := wantedEntry{issuer: f.issuer, subject: f.subject, audiences: audiencesFor(t, f.audiences)}
	entry.explicit = len(entry.audiences) > 0
	var err error
	switch {
	case f.fromToken:
		return a.entryFromToken(ctx, api, entry)
	case f.github != "":
		entry.issuer, entry.subject, err = a.githubSubject(ctx, api, f)
	case f.gitlab != "":
		entry.issuer, entry.subject, err = gitlabSubject(f)
	case f.serviceAccount != "":
		entry.subject, err = serviceAccountSubject(f.serviceAccount)
	}
	return entry, err
}

// audiencesFor are the audiences for one registry: AUDIENCE, or HOST=AUDIENCE as
// QUAY_AUDIENCE may have it for a login.
func audiencesFor(t target, given []string) []string {
	var list []string
	for _, text := range given {
		if at, audience, found := strings.Cut(text, "="); found && strings.EqualFold(at, t.registry.Host) {
			text = audience
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// entryFromToken takes issuer and subject from this job's own ID token. It is
// shown to nobody.
func (a *app) entryFromToken(ctx context.Context, flags apiFlags, entry wantedEntry) (wantedEntry, error) {
	config, err := trust(flags.mint.caCertificate, a.env.ReadFile)
	if err != nil {
		return entry, &usageError{err: err}
	}
	source, err := flags.mint.chooseSource(idtoken.Env{
		Getenv: a.env.Getenv, Stdin: a.env.Stdin, ReadFile: a.env.ReadFile,
		Endpoint: a.endpoint(flags.mint, a.env.Transport(config)), // always verified
	})
	if err != nil {
		return entry, err
	}
	token, err := source.IDToken(ctx, entry.expected()[0])
	if err != nil {
		return entry, err
	}
	a.host.Mask(token)
	claims, err := idtoken.ParseClaims(token)
	switch {
	case err != nil:
		return entry, err
	case claims.Issuer == "" || claims.Subject == "":
		return entry, &unknownSubject{words: "the ID token has no issuer or no subject, so no entry can match it", hints: []string{"its provider has to set both"}}
	case !strings.HasPrefix(claims.Issuer, "https://"):
		return entry, &unknownSubject{words: fmt.Sprintf("the ID token's issuer %s is not https, which Quay needs", claims.Issuer)}
	}
	entry.issuer, entry.subject = claims.Issuer, claims.Subject
	if !entry.explicit {
		entry.audiences = claims.Audience
	}
	return entry, nil
}

// gitlabSubject is the default subject of GitLab's jobs (token-sources, section
// 2): the ref without refs/.
func gitlabSubject(f entryFlags) (issuer, subject string, err error) {
	kind, name := "branch", strings.TrimPrefix(f.ref, "refs/heads/")
	if tag, ok := strings.CutPrefix(f.ref, "refs/tags/"); ok {
		kind, name = "tag", tag
	}
	if !strings.Contains(f.gitlab, "/") || strings.ContainsAny(f.gitlab, ": \t") || strings.HasPrefix(f.gitlab, "/") {
		return "", "", &usageError{err: fmt.Errorf("gitlab %q: write GROUP/PROJECT, without the host", f.gitlab)}
	}
	issuer = f.issuer
	if issuer == "" {
		issuer = "https://gitlab.com"
	}
	return issuer, "project_path:" + f.gitlab + ":ref_type:" + kind + ":ref:" + name, nil
}

// serviceAccountSubject is how Kubernetes names a service account.
func serviceAccountSubject(text string) (string, error) {
	namespace, name, found := strings.Cut(text, "/")
	if !found || namespace == "" || name == "" || strings.ContainsAny(text, ": \t") || strings.Contains(name, "/") {
		return "", &usageError{err: fmt.Errorf("service account %q: write NAMESPACE/NAME", text)}
	}
	return "system:serviceaccount:" + namespace + ":" + name, nil
}
