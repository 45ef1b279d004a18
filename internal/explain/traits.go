// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"regexp"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/subject"
)

// Trait is something about an ID token, visible in the token alone, that often causes
// problems at Quay (see docs/platforms.md).
type Trait struct {
	name string // in tests
	has  func(idtoken.Claims) bool
	Text func(idtoken.Claims) string
	cure []string
	// hopeless: no federation entry can match such tokens, or none after this run.
	hopeless bool
	// Harmless: nothing is wrong, but it explains a refusal.
	Harmless bool
}

var (
	withIDs       = platform.Pattern(`^repo:[^/:@]+@\d+/[^/:@]+@\d+:`)
	ofEnvironment = platform.Pattern(`^repo:[^:]+:environment:(.+)$`)
	ofPullRequest = platform.Pattern(`^repo:[^:]+:pull_request$`)
	ofRef         = platform.Pattern(`^repo:[^:]+:ref:refs/.+$`)
	enterprise    = platform.Pattern(`^https://token\.actions\.(?:githubusercontent\.com|[a-z0-9-]+\.ghe\.com)/(.+)$`)
)

// fleeting are the traits of subjects that end with a run, a pull request or a tag.
func fleeting() []Trait {
	var list []Trait
	for _, kind := range subject.Fleetings() {
		has := func(c idtoken.Claims) bool {
			found, _ := subject.FleetingOf(c.Issuer, c.Subject)
			return found.Name == kind.Name
		}
		list = append(list, Trait{name: kind.Name, hopeless: kind.Once, has: has, Text: always(kind.Text), cure: kind.Cures})
	}
	return list
}

// traits is the table, in the order in which people read them; the hopeless ones first.
var traits = append(fleeting(), []Trait{
	{name: "no-issuer", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Issuer == "" },
		Text: always("the ID token has no issuer (iss), so Quay cannot tell who signed it"),
		cure: []string{"have the ID token's provider set an issuer"}},
	{name: "no-subject", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Subject == "" },
		Text: always("the ID token has no subject (sub), so no federation entry can match it"),
		cure: []string{"have the ID token's provider set a subject"}},
	{name: "invisible", hopeless: true,
		has: func(c idtoken.Claims) bool { return platform.Invisible(c.Issuer, c.Subject) != "" },
		Text: func(c idtoken.Claims) string {
			return "the issuer or the subject has characters that cannot be seen: " + platform.Invisible(c.Issuer, c.Subject)
		},
		cure: []string{"take them out where the ID token has them from, as the name of a branch, or let this job enter the federation entry: quay-keyless federation add --from-token"}},
	{name: "http-issuer", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Issuer != "" && !strings.HasPrefix(c.Issuer, "https://") },
		Text: func(c idtoken.Claims) string { return "the issuer " + c.Issuer + " is not https, which Quay needs" },
		cure: []string{"give the provider an https address that Quay can reach, and have it put that into the ID token"}},
	{name: "algorithm", hopeless: true,
		has: func(c idtoken.Claims) bool { return !c.KnownAlgorithm() },
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the ID token is signed with %s, Quay takes RS256 and RS384 only", platform.OrNone(c.Algorithm))
		},
		cure: []string{"choose RS256 at the ID token's provider, with an RSA key"}},
	{name: "no-key-id", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.KeyID == "" },
		Text: always("the ID token's header has no usable key ID (kid), by which Quay finds the issuer's key"),
		cure: []string{"have the ID token's provider set a key ID"}},
	{name: "no-times", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.IssuedAt.IsZero() || c.Expiry.IsZero() },
		Text: always("the ID token lacks the time of its issue (iat) or of its expiry (exp), and Quay needs both"),
		cure: []string{"have the ID token's provider set both"}},
	{name: "circleci",
		has: func(c idtoken.Claims) bool {
			return issuedBy("https://oidc.circleci.com")(c) && strings.Contains(c.Subject, "/user/")
		},
		Text: always("CircleCI's subject names the person who started the job: everybody who may needs a federation entry")},
	{name: "env-zero",
		has:  issuedBy(envZero),
		Text: always("all of an organization's deployments on env zero have this one subject: whoever may deploy there gets what the robot may do"),
		cure: []string{"give env zero a robot of its own, whose permissions all of them may use; the slash at the end of the issuer belongs in its federation entry"}},
	{name: "pull-request",
		has:  about(ofPullRequest),
		Text: always("all pull requests of the repository have this one subject: whoever may push a branch to it gets what the robot may do"),
		cure: []string{"give pull requests a robot without the permission Write, or log in on push alone"}},
	{name: "entra-v1", Harmless: true,
		has:  ofEntraV1,
		Text: always("this is a v1 token of Entra ID, whose issuer ends with a slash: an entry for the v2 issuer does not match"),
		cure: []string{"for v2 tokens set requestedAccessTokenVersion to 2 in the manifest of the application that is the audience"}},
	{name: "entra-v2", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return issuedBy("https://login.microsoftonline.com/")(c) && strings.HasSuffix(c.Issuer, "/v2.0")
		},
		Text: always("this is a v2 token of Entra ID, whose issuer has no slash at the end: an entry for v1's https://sts.windows.net/TENANT/ does not match")},
	{name: "slash", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return strings.HasSuffix(c.Issuer, "/") && !ofEntraV1(c) && c.Issuer != envZero
		},
		Text: always("the issuer ends with a slash, which belongs in the federation entry too")},
	{name: "ids", Harmless: true,
		has:  about(withIDs),
		Text: always("GitHub puts the numbers of owner and repository into the subject since 2026-07-15, for new, renamed and moved repositories: an entry without them does not match")},
	{name: "environment", Harmless: true,
		has: about(ofEnvironment),
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the job's environment %s stands in the subject in place of the branch: an entry for the branch does not match", ofEnvironment().FindStringSubmatch(c.Subject)[1])
		}},
	{name: "reusable", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return c.JobWorkflow != "" && c.Workflow != "" && c.JobWorkflow != c.Workflow
		},
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the job belongs to the reusable workflow %s: its subject names the repository and branch that called it", c.JobWorkflow)
		}},
	{name: "template", Harmless: true,
		has:  func(c idtoken.Claims) bool { return ofGitHub(c) && !usual(c.Subject) },
		Text: always("the subject is not in GitHub's usual form: the repository or its organization has a template for it"),
		cure: []string{"see the template: gh api repos/OWNER/REPO/actions/oidc/customization/sub"}},
	{name: "enterprise", Harmless: true,
		has: func(c idtoken.Claims) bool { return enterprise().MatchString(c.Issuer) },
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the enterprise has an issuer of its own: an entry without /%s does not match", enterprise().FindStringSubmatch(c.Issuer)[1])
		}},
}...)

// envZero is the issuer of all of env zero's ID tokens.
const envZero = "https://login.app.env0.com/"

// ofEntraV1 reports tokens of Entra ID with the v1 issuer.
func ofEntraV1(c idtoken.Claims) bool { return strings.HasPrefix(c.Issuer, "https://sts.windows.net/") }

// TraitsOf are those of a token for a registry, in the table's order.
func TraitsOf(claims idtoken.Claims, registry string) []Trait {
	var found []Trait
	if obstacle, there := issuer.OutOfReach(claims.Issuer, registry); there {
		found = append(found, Trait{name: "out-of-reach", hopeless: true, Harmless: obstacle.Here, Text: always(obstacle.Text), cure: obstacle.Cures})
	}
	for _, t := range traits {
		if t.has(claims) {
			found = append(found, t)
		}
	}
	return found
}

// hopeless is the first trait that keeps every federation entry from matching, if the
// token has one.
func hopeless(claims idtoken.Claims, registry string) []Trait {
	for _, t := range TraitsOf(claims, registry) {
		if t.hopeless {
			return []Trait{t}
		}
	}
	return nil
}

func always(text string) func(idtoken.Claims) string {
	return func(idtoken.Claims) string { return text }
}

func issuedBy(prefix string) func(idtoken.Claims) bool {
	return func(c idtoken.Claims) bool { return strings.HasPrefix(c.Issuer, prefix) }
}

func about(pattern func() *regexp.Regexp) func(idtoken.Claims) bool {
	return func(c idtoken.Claims) bool { return pattern().MatchString(c.Subject) }
}

// ofGitHub reports tokens of GitHub: github.com, GHE.com and GHES.
func ofGitHub(c idtoken.Claims) bool {
	return c.JobWorkflow != "" || strings.HasPrefix(c.Issuer, "https://token.actions.")
}

// usual reports a subject in one of GitHub's own forms.
func usual(text string) bool {
	return ofEnvironment().MatchString(text) || ofPullRequest().MatchString(text) || ofRef().MatchString(text)
}
