// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// exchangeReasons are refusals of an ID token.
var exchangeReasons = map[string]reason{
	string(quay.WrongSubject):  {exitRefused, needsEntry("%s has no federation entry for this job")},
	string(quay.UnknownIssuer): {exitRefused, needsEntry("%s has no federation entry for this job's issuer")},
	string(quay.NotFederated):  {exitRefused, needsEntry("%s has no federation entry yet")},
	"fork-merge-request":       {exitRefused, forkWords},
	string(quay.NoSuchRobot):   {exitRefused, noSuchRobotWords},
	string(quay.InvalidRobot):  {exitRefused, headerWords},
	string(quay.BadHeader):     {exitRefused, headerWords},
	string(quay.Ambiguous):     {exitRefused, ambiguousWords},
	string(quay.WrongAudience): {exitRefused, wrongAudienceWords},
	string(quay.IssuerDiffers): {exitRefused, issuerDiffersWords},
	string(quay.MissingClaim):  {exitRefused, missingClaimWords},
	string(quay.BadSignature):  {exitRefused, badSignatureWords},
	string(quay.Algorithm):     {exitRefused, algorithmWords},
	string(quay.Unrecognized):  {exitRefused, unrecognizedWords},
	string(quay.WantsHTTPS): {exitOther, func(f *facts) platform.Message {
		return f.message(f.refusal.Host+" accepts only https", platform.Step{Text: "Write the registry without http://:", Values: []platform.Value{{Name: "registry", Value: cmp.Or(f.target.Registry.Key(), f.refusal.Host)}}})
	}},
	string(quay.NoEndpoint):     {exitRefused, tooOldWords("%s cannot exchange ID tokens")},
	string(quay.NoIssuer):       {exitRefused, providerWords("the ID token has no issuer", "set an issuer (iss)")},
	string(quay.NoKeyID):        {exitRefused, providerWords("the ID token's header has no usable key ID", "set a key ID (kid), by which Quay finds the issuer's key")},
	string(quay.MalformedClaim): {exitRefused, providerWords("the ID token has a claim in a form that Quay rejects", "write its claims as OpenID Connect says: sub and jti are strings, iat and exp are numbers")},
	string(quay.HeaderTooLarge): {exitRefused, providerWords("the ID token is too long for the server in front of Quay", fewerClaims)},
	string(quay.NotYetIssued):   {exitRefused, notYetIssuedWords},
	string(quay.NotYetValid):    {exitRefused, notYetValidWords},
	string(quay.IDTokenExpired): {exitRefused, expiredWords},
}

// needsEntry is for a job that no federation entry lets in.
func needsEntry(text string) func(*facts) platform.Message {
	return func(f *facts) platform.Message {
		m := f.message(fmt.Sprintf(text, f.target.Robot))
		if found := hopeless(f.claims, f.target.Registry.Host); found != nil {
			m.Notes, m.Steps = []string{found.sentence(f.claims)}, found.cure
			return m
		}
		m.Steps = entrySteps(f.target, f.claims)
		for _, t := range TraitsOf(f.claims, f.target.Registry.Host) {
			m.Notes = append(m.Notes, t.sentence(f.claims))
			m.Steps = append(m.Steps, t.cure...)
		}
		if f.code == string(quay.NotFederated) {
			m.Details = append(m.Details, do("If %s is a person's account: before Quay 3.17.2 the web interface cannot save entries for a person's robots, but quay-keyless federation add can.", f.target.Robot.Namespace))
		} else if len(m.Notes) == 0 {
			m.Notes = []string{"Quay compares every character, upper and lower case and a slash at the end too. There are no wildcards."}
		}
		m.Details = append(m.Details, byAPI(f.target, f.claims, f.owner()), claimsOf(f.claims))
		return m
	}
}

// forkWords is for a GitLab job of a fork's merge request, whose ID token has the fork's
// subject.
func forkWords(f *facts) platform.Message {
	fork, project, _ := idtoken.ForkMergeRequest(f.run.Env.Getenv)
	m := f.message(f.target.Robot.String()+" has no federation entry for merge requests from a fork",
		do("Log in after the merge, in a pipeline of %s.", project),
		platform.Step{Text: "To leave such jobs out, add to the job:", Values: []platform.Value{{Name: "rules", Value: `[{if: '$CI_PIPELINE_SOURCE != "merge_request_event" || $CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_MERGE_REQUEST_PROJECT_PATH'}]`}}})
	m.Notes = []string{fmt.Sprintf("This job's ID token has the subject of the fork %s. An entry for it would let everybody who can push to the fork log in.", fork)}
	m.Details = append(entrySteps(f.target, f.claims), claimsOf(f.claims))
	return m
}

func noSuchRobotWords(f *facts) platform.Message {
	t := f.target
	create := setupCommand(t, "REPO=write", f.claims)
	if f.api != nil {
		create = command(t, "setup", "--grant", "REPO=write", "--github", "OWNER/REPO", "--ref", "main")
	}
	m := f.message(fmt.Sprintf("%s has no robot account %s", f.host(), t.Robot),
		do("Check the name in Quay, under Robot accounts of %s.", t.Robot.Namespace),
		paste("If the robot account should exist, create it there, or with an API token in QUAY_API_TOKEN:", create))
	m.Details = []platform.Step{do("With the API itself: PUT %s. The answer has a password, which a login with ID tokens does not need.", apiAddress(t, robotPath(t.Robot, f.owner())))}
	return m
}

// headerWords is for requests that arrived differently from how they were sent.
func headerWords(f *facts) platform.Message {
	return f.message("the login did not reach "+f.host()+" as it was sent",
		do("Check the proxies between this job and Quay: one of them changes the Authorization header."))
}

func ambiguousWords(f *facts) platform.Message {
	m := f.message(f.target.Robot.String()+" has several federation entries for this job",
		paste("With an API token in QUAY_API_TOKEN, this saves the list with one of them:", AddCommand(f.target, f.claims)),
		platform.Step{Text: fmt.Sprintf("or in Quay, under Robot accounts > %s > Set robot federation, remove all but one of the entries with:", f.target.Robot), Values: entryValues(f.claims)})
	m.Details = []platform.Step{claimsOf(f.claims)}
	return m
}

func wrongAudienceWords(f *facts) platform.Message {
	audience, wanted := "AUDIENCE", "the federation entry's audience"
	if !slices.Contains(f.claims.Audience, request.DefaultAudience) {
		audience, wanted = request.DefaultAudience, "the federation entry's audience, usually quay"
	}
	m := f.message(fmt.Sprintf("the federation entry of %s expects another audience", f.target.Robot), AskFor(f.source, wanted, audience))
	if audienceBy(f.source, audience).Value == "" && len(f.claims.Audience) > 0 {
		m.Steps = append(m.Steps, paste("If the provider cannot do that, let the entry expect this audience, with an API token in QUAY_API_TOKEN:",
			command(f.target, "federation add", "--issuer", f.claims.Issuer, "--subject", f.claims.Subject, "--audience", f.claims.Audience[0])))
	}
	m.Steps = append(m.Steps, storedAudience(f.target))
	m.Notes = []string{audiencesGetLost}
	m.Details = []platform.Step{claimsOf(f.claims)}
	return m
}

// audiencesGetLost says how an entry loses its audiences.
const audiencesGetLost = "Up to Quay 3.18, saving any of the robot's entries removes their audiences, and Quay then accepts every audience."

// storedAudience shows an entry's audience.
func storedAudience(t request.Target) platform.Step {
	return paste("Quay's web interface does not show the entry's audience. This command does, with an API token in QUAY_API_TOKEN:", listCommand(t))
}

// AskFor says how the job gets an ID token for another audience. A flag helps only with
// sources that make the token on request.
func AskFor(source idtoken.Source, wanted, audience string) platform.Step {
	if way := audienceBy(source, audience); way.Value != "" {
		return platform.Step{Text: "Request an ID token with " + wanted + ":", Values: []platform.Value{way}}
	}
	return do("Configure the ID token's provider so that the token has %s. On GitLab, write aud: %s under id_tokens.", wanted, audience)
}

// audienceBy is how the job itself chooses the audience, without a value if it cannot.
func audienceBy(source idtoken.Source, audience string) platform.Value {
	switch {
	case source.Name == "gitlab":
		return platform.Value{Name: "id_tokens", Value: "aud: " + audience}
	case source.ChoosesAudience:
		return platform.Value{Name: "flag", Value: "--audience " + platform.Shell(audience)}
	}
	return platform.Value{}
}

func issuerDiffersWords(f *facts) platform.Message {
	return f.message("the issuer's discovery document names another issuer than the ID token",
		platform.Step{Text: "Configure the provider so that its discovery document names the same issuer. Before Quay 3.18 even a slash at the end counts:", Values: []platform.Value{{Name: "issuer", Value: f.claims.Issuer}}},
		paste("To see the document:", fetch(f.claims)))
}

// fetch shows the issuer's discovery document.
func fetch(claims idtoken.Claims) string {
	return "curl -sS " + platform.Operand(idtoken.DiscoveryURL(claims.Issuer))
}

func missingClaimWords(f *facts) platform.Message {
	if strings.Contains(f.refusal.Message, `"aud"`) {
		m := f.message(fmt.Sprintf("the ID token has no audience, and the federation entry of %s expects one", f.target.Robot),
			do("Configure the ID token's provider to set the audience that the entry expects."), storedAudience(f.target))
		m.Notes = []string{audiencesGetLost}
		return m
	}
	return f.message("the ID token lacks a time that Quay needs",
		do("Configure the ID token's provider to set the time of issue (iat) and of expiry (exp)."))
}

func badSignatureWords(f *facts) platform.Message {
	return f.message("the ID token's signature does not match the issuer's key",
		do("Check the step that passes the ID token on: it may have changed or cut it."),
		platform.Step{Text: "Check that the ID token really comes from this provider:", Values: []platform.Value{{Name: "issuer", Value: f.claims.Issuer}}})
}

func algorithmWords(f *facts) platform.Message {
	return f.message("Quay does not accept ID tokens that are signed with "+platform.OrNone(f.claims.Algorithm),
		do("Configure the ID token's provider to sign with RS256 and an RSA key. Quay accepts only RS256 and RS384."))
}

// unrecognizedWords is for words that this program does not know, of Quay or of
// something in front of it.
func unrecognizedWords(f *facts) platform.Message {
	m := f.message(f.host()+" refused for a reason that quay-keyless does not know", do("If these are Quay's words, look for them in Quay's documentation."))
	switch {
	case f.refusal.Location != "" || f.refusal.Page:
		m.Text = "something other than Quay answered at " + f.host()
		m.Steps = []platform.Step{do("Check the host name: a login page or a proxy may have answered instead of the registry."),
			do("Check that this job's address may use the registry.")}
	}
	if f.claims.Issuer != "" {
		m.Details = []platform.Step{claimsOf(f.claims)}
	}
	return m
}

// tooOldWords is for a host without the address of the exchange or of the API.
func tooOldWords(text string) func(*facts) platform.Message {
	return func(f *facts) platform.Message {
		return f.message(fmt.Sprintf(text, f.host()),
			do("Check that %s is the registry's own host name.", f.host()),
			do("If it is, ask its administrator for Quay 3.13 or later: older releases cannot exchange ID tokens."))
	}
}

// providerWords is for ID tokens that their provider must make differently.
func providerWords(text, cure string) func(*facts) platform.Message {
	return func(f *facts) platform.Message {
		m := f.message(text, do("Configure the ID token's provider to %s.", cure))
		m.Details = []platform.Step{claimsOf(f.claims)}
		return m
	}
}

func notYetIssuedWords(f *facts) platform.Message {
	return f.message("Quay's clock is behind that of the ID token's provider",
		do("Set the clocks of Quay and of the provider by NTP. The ID token was issued at %s.", platform.FormatTime(f.claims.IssuedAt)))
}

func notYetValidWords(f *facts) platform.Message {
	return f.message("Quay's clock is behind that of the ID token's provider",
		do("Set the clocks of Quay and of the provider by NTP: the ID token's nbf is still to come for Quay."))
}

func expiredWords(f *facts) platform.Message {
	return f.message("the ID token has expired",
		do("Log in earlier in the job: the ID token expired at %s.", platform.FormatTime(f.claims.Expiry)),
		do("If that time is still to come, set Quay's clock by NTP."))
}
