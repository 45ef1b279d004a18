// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/quay"
)

// exchangeMessage is for an exchange that did not succeed.
func exchangeMessage(r *refusedIDToken) host.Message {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	var unbelievable *endpoint.Unbelievable
	message := host.Message{Text: r.Error()}
	switch {
	case errors.As(r.err, &refusal):
		refusalWords(&message, r, refusal)
	case errors.As(r.err, &unreachable):
		message.Hints = troubleHints(r, unreachable)
	case errors.As(r.err, &unbelievable):
		message.Hints = []string{ownName}
	default:
		return message
	}
	message.Hints = append(message.Hints, r.target.doctorLine())
	return message
}

// refusalWords says first what to do in Quay's web interface, then what is known
// to bite in such a job and what Quay objected to, then the other ways to do it,
// then what the ID token says.
func refusalWords(message *host.Message, r *refusedIDToken, refusal *quay.Refusal) {
	cure := exchangeCures[refusal.Reason]
	traits := traitsOf(r.claims)
	if hopeless := slices.IndexFunc(traits, func(t trait) bool { return t.hopeless }); cure.entry && hopeless >= 0 {
		traits = traits[hopeless : hopeless+1]
	} else if cure.entry {
		message.Entry = r.target.entry(r.claims)
		message.Hints = append(message.Hints, inQuay(message.Entry))
	} else {
		traits = nil
	}
	message.Hints = append(message.Hints, traitWords(r.claims, traits)...)
	message.Hints = append(message.Hints, cure.words(r, refusal)...)
	if message.Entry != nil {
		message.Hints = append(message.Hints, byCommand(message.Entry), byAPI(r.target, r.claims))
	}
	if cure.identity {
		message.Hints = append(message.Hints, "this job's ID token: "+identity(r.claims))
	}
}

func traitWords(claims idtoken.Claims, traits []trait) []string {
	var words []string
	for _, t := range traits {
		words = append(append(words, t.text(claims)), t.cure...)
	}
	return words
}

// identity is what an ID token says of the job.
func identity(claims idtoken.Claims) string {
	audience := "no audience"
	if len(claims.Audience) > 0 {
		audience = "audience " + strings.Join(claims.Audience, ", ")
	}
	return fmt.Sprintf("issuer %s, subject %s, %s", orNone(claims.Issuer), orNone(claims.Subject), audience)
}

func orNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

// cure is what a refusal of the exchange needs.
type cure struct {
	words    func(*refusedIDToken, *quay.Refusal) []string
	entry    bool // show the federation entry to add
	identity bool // show what the ID token says
}

func says(words ...string) func(*refusedIDToken, *quay.Refusal) []string {
	return func(*refusedIDToken, *quay.Refusal) []string { return words }
}

// headerChanged is for requests that did not arrive as they were sent.
const headerChanged = "something between this job and Quay changes the Authorization header: look at the proxies in between"

// exchangeCures is one row for each reason that the exchange can give.
var exchangeCures = map[quay.Reason]cure{
	quay.Unrecognized: {identity: true, words: unrecognizedCure},
	quay.BadHeader:    {words: says(headerChanged)},
	quay.InvalidRobot: {words: says(headerChanged)},
	quay.NoSuchRobot:  {words: noSuchRobotCure},
	quay.NotFederated: {entry: true, identity: true, words: notFederatedCure},
	quay.NoIssuer:     {identity: true, words: says("have the ID token's provider set an issuer (iss): without one Quay cannot tell who signed it")},
	quay.UnknownIssuer: {entry: true, identity: true, words: says(
		"Quay objected to the issuer: none of the robot's federation entries has it; every character counts, upper and lower case and a slash at the end too")},
	quay.WrongSubject: {entry: true, identity: true, words: says(
		"Quay objected to the subject: an entry has this issuer, but none with it has this subject; every character counts, there are no wildcards")},
	quay.Ambiguous:      {identity: true, words: ambiguousCure},
	quay.WrongAudience:  {identity: true, words: wrongAudienceCure},
	quay.IssuerDiffers:  {words: issuerDiffersCure},
	quay.NoKeyID:        {words: says("have the ID token's provider set a key ID (kid) in its header: by it Quay finds the issuer's key")},
	quay.Algorithm:      {words: algorithmCure},
	quay.BadSignature:   {words: badSignatureCure},
	quay.MissingClaim:   {words: missingClaimCure},
	quay.MalformedClaim: {words: says("have the ID token's provider mend it: one of its claims has a form that Quay does not take")},
	quay.NotYetIssued: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("set the clock of Quay or of the ID token's provider by NTP: the ID token says that it was issued at %s, which Quay's clock has yet to reach", clock(r.claims.IssuedAt))}
	}},
	quay.IDTokenExpired: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("the ID token expired at %s: log in earlier in the job; if that is not over yet, Quay's clock is off", clock(r.claims.Expiry))}
	}},
	quay.HeaderTooLarge: {words: says("have the ID token's provider put fewer claims in it: the server in front of Quay takes about 6100 bytes")},
	quay.NoEndpoint: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.target.registry.Host)}
	}},
}

func noSuchRobotCure(r *refusedIDToken, _ *quay.Refusal) []string {
	t := r.target
	return []string{
		fmt.Sprintf("%s has no robot account %s: in Quay, look for its name under Robot accounts of %s, or create it there", t.registry.Host, t.robot, t.robot.Namespace),
		"or, with a token for Quay's API in QUAY_API_TOKEN: " + t.setupCommand("REPO=write", r.claims),
		fmt.Sprintf("or by the API itself: PUT %s, whose answer has a password that a login by ID token does not need", apiAddress(t, robotPath(t.robot))),
	}
}

func notFederatedCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{
		"the robot trusts no ID token yet: it has no federation entry",
		fmt.Sprintf("if %s is a person's account: before Quay 3.17.2 the menu cannot save entries for a person's robots, quay-keyless federation add can", r.target.robot.Namespace),
	}
}

func ambiguousCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{fmt.Sprintf("in Quay, at the robot account %s, choose Set robot federation and remove all but one of the entries that have this issuer and subject", r.target.robot)}
}

// storedAudience tells where to see the audience that an entry asks for, and
// what becomes of it (measured).
func storedAudience(t target) []string {
	return []string{
		"Quay's web interface does not show it, this does, with a token for Quay's API in QUAY_API_TOKEN: " + t.listCommand(),
		"up to Quay 3.18 any save of the robot's entries, there or by the API, takes the audience away, and Quay then looks at none",
	}
}

func issuerDiffersCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{
		"have the provider name the issuer " + r.claims.Issuer + " in the document that it publishes, as it does in the ID token (before Quay 3.18 even a slash at the end counts)",
		"to see the document: curl -s " + operand(discovery(r.claims)),
	}
}

func wrongAudienceCure(r *refusedIDToken, _ *quay.Refusal) []string {
	wanted, audience := "the one that the federation entry has", "AUDIENCE"
	if !slices.Contains(r.claims.Audience, defaultAudience) {
		wanted, audience = wanted+", mostly quay", defaultAudience
	}
	words := []string{"Quay objected to the audience: " + askFor(r.source, wanted, audience)}
	if !asksAnew(r.source) && len(r.claims.Audience) > 0 {
		words = append(words, "or, where the provider gives no other, have the entry ask for it, with a token for Quay's API in QUAY_API_TOKEN: "+
			r.target.command("federation add", "--issuer", r.claims.Issuer, "--subject", r.claims.Subject, "--audience", r.claims.Audience[0]))
	}
	return append(words, storedAudience(r.target)...)
}

// askFor says how the job gets an ID token for the audience that is wanted. A flag
// helps with those sources alone that make one when they are asked.
func askFor(source idtoken.Source, wanted, audience string) string {
	switch _, gitlab := source.(idtoken.GitLab); {
	case gitlab:
		return "ask for " + wanted + ": aud: " + audience + " under id_tokens"
	case idtoken.ChoosesAudience(source):
		return "ask for " + wanted + ": --audience " + shell(audience)
	}
	return "have the ID token made for " + wanted + "; on GitLab by aud: " + audience + " under id_tokens"
}

// asksAnew reports whether the job itself chooses the audience.
func asksAnew(source idtoken.Source) bool {
	_, gitlab := source.(idtoken.GitLab)
	return gitlab || idtoken.ChoosesAudience(source)
}

func missingClaimCure(r *refusedIDToken, refusal *quay.Refusal) []string {
	if strings.Contains(refusal.Message, `"aud"`) {
		return append([]string{"have the ID token's provider set an audience: the federation entry asks for one, and the token has none"}, storedAudience(r.target)...)
	}
	return []string{"have the ID token's provider set the one that is missing: Quay needs the times of issue (iat) and of expiry (exp)"}
}

func unrecognizedCure(r *refusedIDToken, refusal *quay.Refusal) []string {
	if r.target.registry.PlainHTTP && strings.HasPrefix(refusal.Location, "https://") {
		return []string{"write the registry without http://: " + r.target.registry.Key()}
	}
	if refusal.Location != "" || refusal.Page {
		return []string{fmt.Sprintf("that is something in front of Quay, not Quay: is %s the registry's own name, and may this job's address use it?", r.target.registry.Host)}
	}
	return []string{"these words of Quay's are unknown to this version of quay-keyless"}
}

func algorithmCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{fmt.Sprintf("choose RS256 at the ID token's provider, with an RSA key: the token is signed with %s, Quay takes RS256 and RS384 only", orNone(r.claims.Algorithm))}
}

func badSignatureCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{"get the ID token anew and hand it on whole: its signature does not fit the issuer's key, so it was changed or cut on its way, or is of another provider than " + r.claims.Issuer}
}

func discovery(claims idtoken.Claims) string { return issuer.DocumentURL(claims.Issuer) }
