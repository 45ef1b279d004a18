// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"quay-keyless/internal/issuer"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
	"quay-keyless/internal/subject"
)

// Level is how bad a finding is.
type Level int

// The levels, worst first.
const (
	Never Level = iota // no ID token matches the entry, or Quay cannot verify one that does
	Risk               // the entry lets in more than it seems, or not for long
	Note               // good to know
)

// Finding is something that an administrator should know about a federation entry.
type Finding struct {
	Level Level
	Code  string // stable, as "wildcard"
	Text  string
	Cures []string
}

// Examined is an entry, and what counts beside it.
type Examined struct {
	Issuer, Subject string
	AnyAudience     bool   // Quay checks no audience
	Writes          bool   // the robot may write to a repository
	Registry        string // HOST of the Quay, "" if not known
}

// Findings are those of an entry, worst first.
func Findings(e Examined) []Finding {
	var found []Finding
	for _, examine := range []func(Examined) *Finding{
		space, invisible, wildcard, placeholder, issuerURL, misspelled, ofAnotherIssuer, malformed,
		fleeting, pullRequest, anyJob, sharedIssuer, outOfReach, anyAudience,
	} {
		if f := examine(e); f != nil {
			found = append(found, *f)
		}
	}
	return found
}

// Hopeless is the first finding that keeps every ID token from matching; nil if there is none.
func Hopeless(e Examined) *Finding {
	if found := Findings(e); len(found) > 0 && found[0].Level == Never {
		return &found[0]
	}
	return nil
}

// never is a finding of the first level.
func never(code, text string, cures ...string) *Finding {
	return &Finding{Never, code, text, cures}
}

// values are issuer and subject with their names.
func (e Examined) values() [][2]string {
	return [][2]string{{"issuer", e.Issuer}, {"subject", e.Subject}}
}

// environment matches the subjects whose end is the name of an environment, in which
// GitHub and GitLab allow blanks.
var environment = platform.Pattern(`^(?:repo|project_path|project_id):.*:environment:`)

func space(e Examined) *Finding {
	for _, v := range e.values() {
		inside := strings.TrimPrefix(v[1], environment().FindString(v[1]))
		switch {
		case v[1] != strings.TrimSpace(v[1]):
			return never("white-space", fmt.Sprintf("%s %q: there is white space around it", v[0], v[1]), "leave it out: every character counts")
		case strings.ContainsFunc(v[1], func(r rune) bool { return unicode.IsSpace(r) && r != ' ' }),
			strings.Contains(v[1], " ") && (v[0] == "issuer" || inside == v[1] && known().MatchString(v[1])):
			return never("white-space", fmt.Sprintf("%s %q: there is white space in it", v[0], v[1]), "leave it out: every character counts")
		}
	}
	return nil
}

func invisible(e Examined) *Finding {
	for _, v := range e.values() {
		if characters := platform.Invisible(v[1]); characters != "" {
			return never("invisible", fmt.Sprintf("%s %q: it has characters that cannot be seen: %s", v[0], v[1], characters), "type it instead of pasting it")
		}
	}
	return nil
}

// wild are wildcards and regular expressions as other systems have them.
var wild = platform.Pattern(`\*|\?|^\^|\$$|\.\+|\(\?|\\`)

func wildcard(e Examined) *Finding {
	for _, v := range e.values() {
		if part := wild().FindString(v[1]); part != "" && !(v[0] == "issuer" && part == "?") { // a query
			return never("wildcard", fmt.Sprintf("%s %q: Quay has no wildcards, so %s matches only itself", v[0], v[1], part),
				"add one entry for each branch, or give the jobs an environment and add its subject")
		}
	}
	return nil
}

func placeholder(e Examined) *Finding {
	for _, v := range e.values() {
		for _, mark := range []string{"<", ">", "${", "{{"} {
			if strings.Contains(v[1], mark) {
				return never("placeholder", fmt.Sprintf("%s %q: %s looks like a placeholder or a variable that was not replaced", v[0], v[1], mark), "write the value itself, as quay-keyless whoami prints it in a job")
			}
		}
	}
	return nil
}

func issuerURL(e Examined) *Finding {
	if plain, is := strings.CutSuffix(strings.TrimRight(e.Issuer, "/"), "/.well-known/openid-configuration"); is {
		return never("issuer-url", fmt.Sprintf("issuer %q: this is the address of the issuer's discovery document", e.Issuer), "write "+plain+", if the ID token says it (iss): quay-keyless whoami prints it in a job")
	}
	if err := request.CheckIssuerURL(e.Issuer); err != nil {
		code := "issuer-url"
		if strings.HasPrefix(e.Issuer, "http://") {
			code = "http-issuer"
		}
		return never(code, err.Error(), "write the issuer as the ID token says it (iss): quay-keyless whoami prints it in a job")
	}
	return nil
}

// issuers are spelled in one way only.
var issuers = []string{"https://token.actions.githubusercontent.com", "https://gitlab.com", "https://accounts.google.com", "https://agent.buildkite.com"}

// misspelled finds a well-known issuer that is not written byte for byte.
func misspelled(e Examined) *Finding {
	plain := strings.TrimSuffix(strings.TrimRight(strings.ToLower(e.Issuer), "/"), ":443")
	for _, right := range issuers {
		if plain == right && e.Issuer != right {
			return never("issuer-spelling", fmt.Sprintf("issuer %q: ID tokens say %s, and every character counts", e.Issuer, right), "write "+right)
		}
	}
	return nil
}

// forms are how well-known issuers' subjects begin, and which other issuers have such.
var forms = []struct {
	begin, name string
	not         func() *regexp.Regexp
}{
	{"repo:", "GitHub", platform.Pattern(`^https://(?:gitlab\.com|github\.com|api\.github\.com|www\.github\.com)(?:/|$)|kubernetes\.default\.svc`)},
	{"project_path:", "GitLab", platform.Pattern(`^https://(?:token\.actions\.|github\.com)|kubernetes\.default\.svc`)},
	{"system:serviceaccount:", "Kubernetes", platform.Pattern(`^https://(?:token\.actions\.|github\.com|gitlab\.com)`)},
}

// known matches subjects of these.
var known = platform.Pattern(`^(?:repo|project_path|project_id|system):`)

func ofAnotherIssuer(e Examined) *Finding {
	for _, form := range forms {
		if strings.HasPrefix(e.Subject, form.begin) && form.not().MatchString(e.Issuer) {
			return never("other-issuer", fmt.Sprintf("the subject %s is one of %s, and %s is not its issuer", e.Subject, form.name, e.Issuer), "write the issuer as the ID token says it (iss): quay-keyless whoami prints it in a job")
		}
	}
	return nil
}

// shapes are subjects that their issuers never make.
var shapes = []struct {
	issuer, subject func() *regexp.Regexp
	text, cure      string
}{
	{githubIssuer, platform.Pattern(`^[^:]*$`), "GitHub's subjects begin with repo:OWNER/REPO:", "write repo:OWNER/REPO:ref:refs/heads/BRANCH, or use --github and --ref"},
	{githubIssuer, platform.Pattern(`^repo:(?:[^/:]*(?::|$)|https?:|github\.com/)`), "GitHub's subjects name the repository as OWNER/REPO", "use --github OWNER/REPO"},
	{githubIssuer, platform.Pattern(`^repo:[^:]+:(?:ref:(?:[^r]|r[^e]|re[^f]|ref[^s]|refs[^/])|refs/|branch:|heads/|tag:)`), "GitHub's subjects write a branch as ref:refs/heads/BRANCH", "use --github and --ref"},
	{githubIssuer, platform.Pattern(`^(?:R[Ee][Pp][Oo]|r(?:E[Pp][Oo]|e(?:P[Oo]|pO))):`), "GitHub's subjects begin with repo:, in lower case", "write repo:OWNER/REPO:ref:refs/heads/BRANCH, or use --github and --ref"},
	{githubIssuer, platform.Pattern(`^repo:[^:]+:(?:environment:|ref:(?:refs/(?:heads/|tags/)?)?)?$`), "its end is missing: the name of the branch, tag or environment", "use --github with --ref, --tag or --environment"},
	{githubIssuer, platform.Pattern(`^repo:[^:]+:ref:.*[~\[]`), "no branch and no tag has [ or ~ in its name, and Quay has no wildcards", "add one entry for each branch, or give the jobs an environment and add its subject"},
	{gitlabIssuer, platform.Pattern(`^project_path:.*:ref:refs/(?:heads|tags)/`), "GitLab's subjects write the ref without refs/heads/", "use --gitlab and --ref, or --tag"},
	{anyIssuer, platform.Pattern(`^system:serviceaccount(?:$|:[^:]*$|::|:[^:]*/|:[^:]*:$|:[^:]*:[^:]*[:/]|s)`), "Kubernetes writes a service account as system:serviceaccount:NAMESPACE:NAME", "use --service-account NAMESPACE/NAME"},
}

var (
	githubIssuer = platform.Pattern(`^https://token\.actions\.(?:githubusercontent\.com|[a-z0-9-]+\.ghe\.com)(?:/|$)`)
	gitlabIssuer = platform.Pattern(`gitlab`)
	anyIssuer    = platform.Pattern(``)
)

func malformed(e Examined) *Finding {
	for _, shape := range shapes {
		if shape.issuer().MatchString(e.Issuer) && shape.subject().MatchString(e.Subject) {
			return never("subject-form", fmt.Sprintf("subject %q: %s", e.Subject, shape.text), shape.cure)
		}
	}
	return nil
}

func fleeting(e Examined) *Finding {
	kind, is := subject.FleetingOf(e.Issuer, e.Subject)
	if !is {
		return nil
	}
	return &Finding{Risk, kind.Name, kind.Text, kind.Cures}
}

var pulls = platform.Pattern(`^repo:[^:]+:pull_request$`)

func pullRequest(e Examined) *Finding {
	if !e.Writes || !pulls().MatchString(e.Subject) {
		return nil
	}
	return &Finding{Risk, "pull-request", "all pull requests of the repository have this one subject: everybody who may push a branch to it may push images with this robot",
		[]string{"give pull requests a robot that may only read, or log in on push alone"}}
}

var wide = platform.Pattern(`^(?:repo:[^:]+|repository:[^:]+|repository_owner(?:_id)?:[^:]+|project_path:[^:]+|project_id:\d+|namespace_(?:path|id):[^:]+)$`)

func anyJob(e Examined) *Finding {
	if !wide().MatchString(e.Subject) {
		return nil
	}
	return &Finding{Risk, "any-branch", "the subject names no branch and no environment: every job of the repository, project or owner gets what the robot may do, also those of unprotected branches",
		[]string{"add the environment, or the branch, to the subject's template"}}
}

// envZero is the issuer of all of env zero's ID tokens.
const envZero = "https://login.app.env0.com/"

func sharedIssuer(e Examined) *Finding {
	switch {
	case strings.HasPrefix(e.Issuer, "https://kubernetes.default.svc"):
		return &Finding{Risk, "cluster-issuer", "every cluster may have the issuer " + e.Issuer + ": Quay asks the cluster in which Quay itself runs, whose service accounts of that name get what the robot may do",
			[]string{"give the cluster an issuer URL that Quay can reach: --service-account-issuer of the API server; in OpenShift, spec.serviceAccountIssuer of authentication.config/cluster"}}
	case e.Issuer == envZero:
		return &Finding{Risk, "shared-subject", "all deployments of an organization on env zero have this one subject: everybody who may deploy there gets what the robot may do",
			[]string{"give env zero its own robot, with permissions that all of them may use"}}
	}
	return nil
}

func outOfReach(e Examined) *Finding {
	obstacle, is := issuer.OutOfReach(e.Issuer, e.Registry)
	if !is {
		return nil
	}
	return &Finding{Risk, "private-issuer", obstacle.Text, obstacle.Cures}
}

func anyAudience(e Examined) *Finding {
	if !e.AnyAudience {
		return nil
	}
	return &Finding{Note, "any-audience", "the entry accepts an ID token for any audience, so also one that a job made for another service",
		[]string{"Quay after 3.18 stores audiences: add the entry again there, with --audience"}}
}
