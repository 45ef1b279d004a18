// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// exchangeMessage is for an exchange that failed.
func exchangeMessage(r *login.RefusedIDToken) platform.Message {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	var unbelievable *endpoint.Unbelievable
	message := platform.Message{Text: r.Error()}
	switch {
	case errors.As(r.Err, &refusal):
		refusalWords(&message, r, refusal)
	case errors.As(r.Err, &unreachable):
		message.Hints = troubleHints(r, unreachable)
	case errors.As(r.Err, &unbelievable):
		message.Hints = []string{ownName}
	default:
		return message
	}
	message.Hints = append(message.Hints, DoctorLine(r.Target))
	return message
}

// refusalWords adds, in this order: what to do in Quay's web interface, the token's
// traits and what Quay objected to, other ways to do it, and what the ID token says.
func refusalWords(message *platform.Message, r *login.RefusedIDToken, refusal *quay.Refusal) {
	cure := exchangeCures[refusal.Reason]
	var traits []Trait
	if cure.entry {
		traits = hopeless(r.Claims, r.Target.Registry.Host)
	}
	if cure.entry && traits == nil {
		traits = TraitsOf(r.Claims, r.Target.Registry.Host)
		message.Entry = entry(r.Target, r.Claims)
		message.Hints = append(message.Hints, inQuay(message.Entry))
	}
	message.Hints = append(message.Hints, traitWords(r.Claims, traits)...)
	if traits == nil || message.Entry != nil {
		message.Hints = append(message.Hints, cure.words(r, refusal)...)
	}
	if message.Entry != nil {
		message.Hints = append(message.Hints, byCommand(message.Entry), byAPI(r.Target, r.Claims))
	}
	if cure.identity {
		message.Hints = append(message.Hints, "this job's ID token: "+Described(r.Claims))
	}
}

func traitWords(claims idtoken.Claims, traits []Trait) []string {
	var words []string
	for _, t := range traits {
		words = append(append(words, t.Text(claims)), t.cure...)
	}
	return words
}

// Described is what an ID token says about the job.
func Described(claims idtoken.Claims) string {
	audience := "no audience"
	if len(claims.Audience) > 0 {
		audience = "audience " + strings.Join(claims.Audience, ", ")
	}
	return fmt.Sprintf("issuer %s, subject %s, %s", platform.OrNone(claims.Issuer), platform.OrNone(claims.Subject), audience)
}

// cure is what a refusal of the exchange needs.
type cure struct {
	words    func(*login.RefusedIDToken, *quay.Refusal) []string
	entry    bool // show the federation entry to add
	identity bool // show what the ID token says
}

func says(words ...string) func(*login.RefusedIDToken, *quay.Refusal) []string {
	return func(*login.RefusedIDToken, *quay.Refusal) []string { return words }
}

// headerChanged is for requests that arrived differently from how they were sent.
const headerChanged = "something between this job and Quay changes the Authorization header: look at the proxies in between"

// exchangeCures has a row for each reason that the exchange can give.
var exchangeCures = map[quay.Reason]cure{
	quay.Unrecognized: {identity: true, words: unrecognizedCure},
	quay.BadHeader:    {words: says(headerChanged)},
	quay.InvalidRobot: {words: says(headerChanged)},
	quay.NoSuchRobot:  {words: noSuchRobotCure},
	quay.NoOwner:      {words: func(r *login.RefusedIDToken, _ *quay.Refusal) []string { return []string{noOwner(r.Target)} }},
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
	quay.NotYetIssued: {words: func(r *login.RefusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("set the clock of Quay or of the ID token's provider by NTP: the ID token says that it was issued at %s, which Quay's clock has yet to reach", platform.FormatTime(r.Claims.IssuedAt))}
	}},
	quay.NotYetValid: {words: says("set the clock of Quay or of the ID token's provider by NTP: the ID token says that it is valid from a time (nbf) that Quay's clock has yet to reach")},
	quay.IDTokenExpired: {words: func(r *login.RefusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("the ID token expired at %s: log in earlier in the job; if that is not over yet, Quay's clock is off", platform.FormatTime(r.Claims.Expiry))}
	}},
	quay.HeaderTooLarge: {words: says(fewerClaims)},
	quay.NoEndpoint: {words: func(r *login.RefusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.Target.Registry.Host)}
	}},
}

func noSuchRobotCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	t := r.Target
	return []string{
		fmt.Sprintf("%s has no robot account %s: in Quay, look for its name under Robot accounts of %s, or create it there", t.Registry.Host, t.Robot, t.Robot.Namespace),
		"or, with a token for Quay's API in QUAY_API_TOKEN: " + setupCommand(t, "REPO=write", r.Claims),
		fmt.Sprintf("or by the API itself: PUT %s, whose answer has a password that a login by ID token does not need", apiAddress(t, robotPath(t.Robot))),
	}
}

func notFederatedCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	return []string{
		"the robot trusts no ID token yet: it has no federation entry",
		fmt.Sprintf("if %s is a person's account: before Quay 3.17.2 the menu cannot save entries for a person's robots, quay-keyless federation add can", r.Target.Robot.Namespace),
	}
}

func ambiguousCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	return []string{
		"with a token for Quay's API in QUAY_API_TOKEN, this saves the list with one of them: " + AddCommand(r.Target, r.Claims),
		fmt.Sprintf("or in Quay, at the robot account %s, choose Set robot federation and remove all but one of the entries that have this issuer and subject", r.Target.Robot),
	}
}

// storedAudience says where to see an entry's audience, and how it gets lost.
func storedAudience(t request.Target) []string {
	return []string{
		"Quay's web interface does not show it, this does, with a token for Quay's API in QUAY_API_TOKEN: " + listCommand(t),
		"up to Quay 3.18 any save of the robot's entries, there or by the API, takes the audience away, and Quay then looks at none",
	}
}

func issuerDiffersCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	return []string{
		"have the provider name the issuer " + r.Claims.Issuer + " in the document that it publishes, as it does in the ID token (before Quay 3.18 even a slash at the end counts)",
		"to see the document: curl -s " + platform.Operand(idtoken.DiscoveryURL(r.Claims.Issuer)),
	}
}

func wrongAudienceCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	wanted, audience := "the one that the federation entry has", "AUDIENCE"
	if !slices.Contains(r.Claims.Audience, request.DefaultAudience) {
		wanted, audience = wanted+", mostly quay", request.DefaultAudience
	}
	words := []string{"Quay objected to the audience: " + AskFor(r.Source, wanted, audience)}
	if audienceBy(r.Source, audience) == "" && len(r.Claims.Audience) > 0 {
		words = append(words, "or, where the provider gives no other, have the entry ask for it, with a token for Quay's API in QUAY_API_TOKEN: "+
			command(r.Target, "federation add", "--issuer", r.Claims.Issuer, "--subject", r.Claims.Subject, "--audience", r.Claims.Audience[0]))
	}
	return append(words, storedAudience(r.Target)...)
}

// AskFor says how the job gets an ID token for another audience. A flag helps only with
// sources that make the token on request.
func AskFor(source idtoken.Source, wanted, audience string) string {
	if way := audienceBy(source, audience); way != "" {
		return "ask for " + wanted + ": " + way
	}
	return "have the ID token made for " + wanted + "; on GitLab by aud: " + audience + " under id_tokens"
}

// audienceBy is how the job itself chooses the audience, "" if it cannot.
func audienceBy(source idtoken.Source, audience string) string {
	switch _, gitlab := source.(idtoken.GitLab); {
	case gitlab:
		return "aud: " + audience + " under id_tokens"
	case idtoken.ChoosesAudience(source):
		return "--audience " + platform.Shell(audience)
	}
	return ""
}

func missingClaimCure(r *login.RefusedIDToken, refusal *quay.Refusal) []string {
	if strings.Contains(refusal.Message, `"aud"`) {
		return append([]string{"have the ID token's provider set an audience: the federation entry asks for one, and the token has none"}, storedAudience(r.Target)...)
	}
	return []string{"have the ID token's provider set the one that is missing: Quay needs the times of issue (iat) and of expiry (exp)"}
}

func unrecognizedCure(r *login.RefusedIDToken, refusal *quay.Refusal) []string {
	if r.Target.Registry.PlainHTTP && strings.HasPrefix(refusal.Location, "https://") {
		return []string{"write the registry without http://: " + r.Target.Registry.Key()}
	}
	if refusal.Location != "" || refusal.Page {
		return []string{fmt.Sprintf("that is something in front of Quay, not Quay: is %s the registry's own name, and may this job's address use it?", r.Target.Registry.Host)}
	}
	return []string{"these words of Quay's are unknown to this version of quay-keyless"}
}

func algorithmCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	return []string{fmt.Sprintf("choose RS256 at the ID token's provider, with an RSA key: the token is signed with %s, Quay takes RS256 and RS384 only", platform.OrNone(r.Claims.Algorithm))}
}

func badSignatureCure(r *login.RefusedIDToken, _ *quay.Refusal) []string {
	return []string{"get the ID token anew and hand it on whole: its signature does not fit the issuer's key, so it was changed or cut on its way, or is of another provider than " + r.Claims.Issuer}
}
