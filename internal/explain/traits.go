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
	cure []platform.Step
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
		list = append(list, Trait{name: kind.Name, hopeless: kind.Once, has: has, Text: always(kind.Text), cure: sentences(kind.Cures)})
	}
	return list
}

// traits is the table, in the order in which people read them; the hopeless ones first.
var traits = append(fleeting(), []Trait{
	{name: "no-issuer", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Issuer == "" },
		Text: always("the ID token has no issuer (iss), so Quay cannot tell who signed it"),
		cure: []platform.Step{do("Configure the ID token's provider to set an issuer.")}},
	{name: "no-subject", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Subject == "" },
		Text: always("the ID token has no subject (sub), so no federation entry can match it"),
		cure: []platform.Step{do("Configure the ID token's provider to set a subject.")}},
	{name: "invisible", hopeless: true,
		has: func(c idtoken.Claims) bool { return platform.Invisible(c.Issuer, c.Subject) != "" },
		Text: func(c idtoken.Claims) string {
			return "the issuer or the subject has invisible characters: " + platform.Invisible(c.Issuer, c.Subject)
		},
		cure: []platform.Step{do("Remove them from what the ID token is about, for example the name of a branch."), do("Or let this job add the federation entry: quay-keyless federation add --from-token")}},
	{name: "http-issuer", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.Issuer != "" && !strings.HasPrefix(c.Issuer, "https://") },
		Text: func(c idtoken.Claims) string { return "the issuer " + c.Issuer + " is not https, which Quay requires" },
		cure: []platform.Step{do("Give the provider an https address that Quay can reach, and configure it to write that address into the ID token.")}},
	{name: "algorithm", hopeless: true,
		has: func(c idtoken.Claims) bool { return !c.KnownAlgorithm() },
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the ID token is signed with %s, and Quay accepts only RS256 and RS384", platform.OrNone(c.Algorithm))
		},
		cure: []platform.Step{do("Configure the ID token's provider to sign with RS256 and an RSA key.")}},
	{name: "no-key-id", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.KeyID == "" },
		Text: always("the ID token's header has no usable key ID (kid), by which Quay finds the issuer's key"),
		cure: []platform.Step{do("Configure the ID token's provider to set a key ID.")}},
	{name: "no-times", hopeless: true,
		has:  func(c idtoken.Claims) bool { return c.IssuedAt.IsZero() || c.Expiry.IsZero() },
		Text: always("the ID token lacks the time of issue (iat) or of expiry (exp), and Quay needs both"),
		cure: []platform.Step{do("Configure the ID token's provider to set both.")}},
	{name: "circleci",
		has: func(c idtoken.Claims) bool {
			return issuedBy("https://oidc.circleci.com")(c) && strings.Contains(c.Subject, "/user/")
		},
		Text: always("CircleCI's subject names the person who started the job, so everybody who may start it needs a federation entry")},
	{name: "env-zero",
		has:  issuedBy(envZero),
		Text: always("all deployments of an organization on env zero have this subject, so everybody who may deploy there can use the robot account"),
		cure: []platform.Step{do("Use a separate robot account for env zero, with permissions that every deployment may use. Its federation entry keeps the slash at the end of the issuer.")}},
	{name: "pull-request",
		has:  about(ofPullRequest),
		Text: always("all pull requests of the repository have this subject, so everybody who can push a branch to it can use the robot account"),
		cure: []platform.Step{do("Use a robot account without the permission Write for pull requests, or log in only on push.")}},
	{name: "entra-v1", Harmless: true,
		has:  ofEntraV1,
		Text: always("this is a v1 token of Entra ID, whose issuer ends with a slash, so an entry for the v2 issuer does not match"),
		cure: []platform.Step{do("To get v2 tokens, set requestedAccessTokenVersion to 2 in the manifest of the application that is the audience.")}},
	{name: "entra-v2", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return issuedBy("https://login.microsoftonline.com/")(c) && strings.HasSuffix(c.Issuer, "/v2.0")
		},
		Text: always("this is a v2 token of Entra ID, whose issuer has no slash at the end, so an entry for v1's https://sts.windows.net/TENANT/ does not match")},
	{name: "slash", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return strings.HasSuffix(c.Issuer, "/") && !ofEntraV1(c) && c.Issuer != envZero
		},
		Text: always("the issuer ends with a slash, and so must the federation entry")},
	{name: "ids", Harmless: true,
		has:  about(withIDs),
		Text: always("since 2026-07-15, GitHub writes the IDs of owner and repository into the subject of new, renamed and moved repositories, so an entry without them does not match")},
	{name: "environment", Harmless: true,
		has: about(ofEnvironment),
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the job runs in the environment \"%s\", so an entry for a branch does not match", ofEnvironment().FindStringSubmatch(c.Subject)[1])
		}},
	{name: "reusable", Harmless: true,
		has: func(c idtoken.Claims) bool {
			return c.JobWorkflow != "" && c.Workflow != "" && c.JobWorkflow != c.Workflow
		},
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the job belongs to the reusable workflow %s, so its subject names the repository and branch that called it", c.JobWorkflow)
		}},
	{name: "template", Harmless: true,
		has:  func(c idtoken.Claims) bool { return ofGitHub(c) && !usual(c.Subject) },
		Text: always("the subject is not in GitHub's usual form, because the repository or its organization has a template for it"),
		cure: []platform.Step{paste("To see the template:", "gh api repos/OWNER/REPO/actions/oidc/customization/sub")}},
	{name: "enterprise", Harmless: true,
		has: func(c idtoken.Claims) bool { return enterprise().MatchString(c.Issuer) },
		Text: func(c idtoken.Claims) string {
			return fmt.Sprintf("the enterprise has its own issuer, so an entry without /%s does not match", enterprise().FindStringSubmatch(c.Issuer)[1])
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
		found = append(found, Trait{name: "out-of-reach", hopeless: true, Harmless: obstacle.Here, Text: always(obstacle.Text), cure: sentences(obstacle.Cures)})
	}
	for _, t := range traits {
		if t.has(claims) {
			found = append(found, t)
		}
	}
	return found
}

// hopeless is the first trait that keeps every federation entry from matching; nil if
// the token has none.
func hopeless(claims idtoken.Claims, registry string) *Trait {
	for _, t := range TraitsOf(claims, registry) {
		if t.hopeless {
			return &t
		}
	}
	return nil
}

// sentence is the trait as a sentence.
func (t Trait) sentence(claims idtoken.Claims) string { return sentence(t.Text(claims)) }

// sentence is a text with a capital and a full stop.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// sentences are steps without anything to copy.
func sentences(texts []string) []platform.Step {
	var steps []platform.Step
	for _, text := range texts {
		steps = append(steps, do(sentence(text)))
	}
	return steps
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
