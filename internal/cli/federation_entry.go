// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/host"
	"quay-keyless/internal/quay"
)

// flagSet is shorter to write.
type flagSet = *pflag.FlagSet

// entryFlags say which ID token an entry is for.
type entryFlags struct {
	issuer, subject                string
	fromToken                      bool
	github, gitlab, serviceAccount string
	ref, environment               string
	pullRequest                    bool

	audienceGiven func() bool // on the command line
}

func (f *entryFlags) addTo(flags flagSet) {
	f.audienceGiven = func() bool { return flags.Changed("audience") }
	flags.StringVar(&f.issuer, "issuer", "", "`URL` of the ID tokens' issuer, as the token says it")
	flags.StringVar(&f.subject, "subject", "", "`SUBJECT` of the ID tokens, as the token says it")
	flags.BoolVar(&f.fromToken, "from-token", false, "take issuer and subject from this job's own ID token")
	flags.StringVar(&f.github, "github", "", "for jobs of the GitHub repository `OWNER/REPO`, with --ref, --environment or --pull-request")
	flags.StringVar(&f.gitlab, "gitlab", "", "for jobs of the GitLab project `GROUP/PROJECT`, with --ref")
	flags.StringVar(&f.serviceAccount, "service-account", "", "for the Kubernetes service account `NAMESPACE/NAME`, with --issuer")
	flags.StringVar(&f.ref, "ref", "", "a branch's `NAME`, or refs/tags/NAME for a tag")
	flags.StringVar(&f.environment, "environment", "", "`NAME` of the GitHub environment that the job has")
	flags.BoolVar(&f.pullRequest, "pull-request", false, "for GitHub jobs of pull requests")
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
	return nil
}

// checkNew is check for an entry to add: it finds values that can never match,
// too. Quay may have them stored, so an entry to remove can have them.
func (f *entryFlags) checkNew() error {
	if err := f.check(); err != nil {
		return err
	}
	for _, value := range [][2]string{{"issuer", f.issuer}, {"subject", f.subject}} {
		if value[1] != strings.TrimSpace(value[1]) {
			return fmt.Errorf("%s %q: there is white space around it", value[0], value[1])
		}
		if characters := invisible(value[1]); characters != "" {
			return fmt.Errorf("%s %q: it has characters that cannot be seen: %s", value[0], value[1], characters)
		}
	}
	if f.issuer == "" {
		return nil
	}
	return checkIssuerURL(f.issuer)
}

// wantedEntry is the entry that the user means.
type wantedEntry struct {
	issuer, subject string
	audiences       []string // of the job's ID token; never empty
	explicit        bool     // the user named it, so it is an error if it is not stored
	// assumed is the warning where the subject was not told by who knows it.
	assumed *host.Message
}

// warnOfAssumption says what was assumed, if anything was.
func (e wantedEntry) warnOfAssumption(to host.Host) {
	if e.assumed != nil {
		to.Warn(*e.assumed)
	}
}

// usual reports whether the audience is the one that Quay is about to assume.
func (e wantedEntry) usual() bool { return slices.Contains(e.audiences, defaultAudience) }

// sent are the audiences to send with a new entry: none where they are what
// Quay will assume, since up to 3.18 its API takes none.
func (e wantedEntry) sent() []string {
	if e.usual() {
		return nil
	}
	return e.audiences
}

// takenBy reports whether a stored entry takes the job's ID token as is wanted.
// One without audiences takes any, which is as good where the usual one is
// wanted: up to 3.18 no other entry can be had.
func (e wantedEntry) takenBy(stored quay.Entry) bool {
	if !stored.Restricted() {
		return e.usual() || !e.explicit
	}
	return slices.ContainsFunc(e.audiences, func(audience string) bool { return slices.Contains(stored.Audiences, audience) })
}

// wantedEntry finds out which entry the flags mean.
func (a *app) wantedEntry(ctx context.Context, f editFlags, t target) (wantedEntry, error) {
	entry := wantedEntry{
		issuer: f.issuer, subject: f.subject, audiences: []string{t.audience},
		explicit: f.audienceGiven() || t.audience != defaultAudience,
	}
	var err error
	switch {
	case f.fromToken:
		return a.entryFromToken(ctx, f.identityFlags, entry)
	case f.github != "":
		config, err := trust(f.caCertificate, a.env.reader(ctx))
		if err != nil {
			return entry, &usageError{err: err}
		}
		entry.issuer, entry.subject, entry.assumed, err = a.githubSubject(ctx, f.entryFlags, a.endpoint(f.identityFlags, a.env.Transport(config)))
		return entry, err
	case f.gitlab != "":
		entry.issuer, entry.subject, err = gitlabSubject(f.entryFlags)
	case f.serviceAccount != "":
		entry.subject, err = serviceAccountSubject(f.serviceAccount)
	}
	return entry, err
}

// entryFromToken takes issuer and subject from this job's own ID token, and its
// audience where the user named none. The token is shown to nobody.
func (a *app) entryFromToken(ctx context.Context, flags identityFlags, entry wantedEntry) (wantedEntry, error) {
	_, claims, err := a.identify(ctx, flags, entry.audiences[0])
	switch {
	case err != nil:
		return entry, err
	case claims.Issuer == "" || claims.Subject == "":
		return entry, &host.Curable{Text: "the ID token has no issuer or no subject, so no entry can match it", Cures: []string{"its provider has to set both"}}
	case checkIssuerURL(claims.Issuer) != nil && strings.HasPrefix(claims.Issuer, "https://"):
		return entry, &host.Curable{Text: "the ID token's " + checkIssuerURL(claims.Issuer).Error()}
	case !strings.HasPrefix(claims.Issuer, "https://"):
		return entry, &host.Curable{Text: fmt.Sprintf("the ID token's issuer %s is not https, which Quay needs", claims.Issuer)}
	}
	entry.issuer, entry.subject = claims.Issuer, claims.Subject
	if !entry.explicit && len(claims.Audience) > 0 {
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
