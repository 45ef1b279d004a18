// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// exchangeHints names what Quay objected to, what to enter in Quay, and what
// the ID token says.
func exchangeHints(r *refusedIDToken) []string {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	switch {
	case errors.As(r.err, &refusal):
		return refusalHints(r, refusal)
	case errors.As(r.err, &unreachable):
		return troubleHints(r, unreachable)
	}
	return nil
}

func refusalHints(r *refusedIDToken, refusal *quay.Refusal) []string {
	cure := exchangeCures[refusal.Reason]
	var hints []string
	if cure.words != nil {
		hints = cure.words(r, refusal)
	}
	if cure.entry {
		hints = append(hints, entry(r))
	}
	if cure.identity {
		hints = append(hints, "this job's ID token: "+identity(r.claims))
	}
	return hints
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

// entry is the federation entry to add, as Quay's UI asks for it.
func entry(r *refusedIDToken) string {
	if r.claims.Subject == "" {
		return "the ID token has no subject, so no entry can match it: its provider has to set one"
	}
	return fmt.Sprintf("in Quay, at the robot account %s, choose Set robot federation and add Issuer URL \"%s\" and Subject \"%s\"",
		r.target.robot, r.claims.Issuer, r.claims.Subject)
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
	quay.Unrecognized: {words: unrecognizedCure, identity: true},
	quay.BadHeader:    {words: says(headerChanged)},
	quay.InvalidRobot: {words: says(headerChanged)},
	quay.NoSuchRobot:  {words: noSuchRobotCure},
	quay.NotFederated: {entry: true, identity: true, words: says("the robot trusts no ID token yet: it has no federation entry")},
	quay.NoIssuer:     {identity: true, words: says("the ID token has no issuer, so Quay cannot verify it: its provider has to set one")},
	quay.UnknownIssuer: {entry: true, identity: true, words: says(
		"Quay objected to the issuer: none of the robot's federation entries has it; every character counts, a slash at the end too")},
	quay.WrongSubject: {entry: true, identity: true, words: says(
		"Quay objected to the subject: an entry has this issuer, but none with it has this subject; every character counts, there are no wildcards")},
	quay.WrongAudience: {identity: true, words: says(
		"Quay objected to the audience: ask for the one that the entry has, by --audience or, on GitLab, aud: under id_tokens; Quay's UI does not show it")},
	quay.IssuerDiffers: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{
			"Quay objected to the issuer: its discovery document names another one (before Quay 3.18 a slash at the end is enough)",
			"compare with " + r.claims.Issuer + ": curl -s " + discovery(r.claims),
		}
	}},
	quay.NoKeyID:        {words: says("the ID token's header has no usable kid, by which Quay finds the key: its provider has to set one")},
	quay.Algorithm:      {words: algorithmCure},
	quay.BadSignature:   {words: badSignatureCure},
	quay.MissingClaim:   {words: says("Quay needs the claims iss, sub, iat and exp, and aud where the entry has audiences: the provider has to set the one that is named")},
	quay.MalformedClaim: {words: says("a claim of the ID token has a type that Quay does not take: its provider has to mend it")},
	quay.NotYetIssued: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("the ID token says that it was issued at %s, which Quay's clock has yet to reach: one of the two clocks is off", clock(r.claims.IssuedAt))}
	}},
	quay.IDTokenExpired: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("the ID token expired at %s: log in earlier in the job; if that is not over yet, Quay's clock is off", clock(r.claims.Expiry))}
	}},
	quay.HeaderTooLarge: {words: says("the ID token is too long for the server in front of Quay: have the provider put fewer claims in it")},
	quay.NoEndpoint: {words: func(r *refusedIDToken, _ *quay.Refusal) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.target.registry.Host)}
	}},
}

func noSuchRobotCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{fmt.Sprintf("%s has no robot account %s: look for its name under Robot accounts of %s, where it can be created too",
		r.target.registry.Host, r.target.robot, r.target.robot.Namespace)}
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
	return []string{fmt.Sprintf("the ID token is signed with %s, Quay takes RS256 and RS384 only: choose one of them at the provider", orNone(r.claims.Algorithm))}
}

func badSignatureCure(r *refusedIDToken, _ *quay.Refusal) []string {
	return []string{"the signature does not fit the issuer's key: the token was changed or cut on its way, or is of another provider than " + r.claims.Issuer}
}

func discovery(claims idtoken.Claims) string {
	return strings.TrimSuffix(claims.Issuer, "/") + "/.well-known/openid-configuration"
}

// troubleHints is for an exchange that got no answer, or one that is worth
// retrying, to the end. Quay's 500, 502 and 504 seldom mean that Quay is ill
// (contract, section 2), so every cause that this ID token allows is named.
func troubleHints(r *refusedIDToken, u *endpoint.Unreachable) []string {
	if u.Answer() == nil {
		if endpoint.TimedOut(u.Err) { // the ping was answered, so it is Quay that waits
			return slowKeysHints(r)
		}
		return networkHints(u)
	}
	switch u.Answer().Status {
	case http.StatusTooManyRequests:
		return []string{rateLimited(r.target)}
	case http.StatusGatewayTimeout:
		return slowKeysHints(r)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return []string{
			"Quay is starting, or does not reach the ID token's issuer within 5 seconds, or does not trust its certificate",
			"on Quay's host: curl -s " + discovery(r.claims),
			"a private CA of the issuer belongs in Quay's extra_ca_certs",
		}
	case http.StatusInternalServerError:
		return internalErrorHints(r)
	}
	return nil
}

func rateLimited(t target) string {
	return "too many logins at once for " + t.registry.Host + ": try later, or raise --timeout"
}

func slowKeysHints(r *refusedIDToken) []string {
	return []string{
		"Quay waits for the issuer's keys without a limit: look how fast their jwks_uri answers Quay",
		"on Quay's host: curl -s " + discovery(r.claims),
	}
}

// internalErrorHints says first what the ID token alone makes certain.
func internalErrorHints(r *refusedIDToken) []string {
	switch a := r.claims.Algorithm; {
	case !strings.HasPrefix(r.claims.Issuer, "https://"):
		return []string{"the issuer " + orNone(r.claims.Issuer) + " is not https, which Quay needs"}
	case a != "RS256" && a != "RS384":
		return algorithmCure(r, nil)
	}
	return []string{
		fmt.Sprintf("most likely Quay finds no RSA key with the ID token's kid %s: the document below must be JSON, and its jwks_uri must have that key", orNone(r.claims.KeyID)),
		"curl -s " + discovery(r.claims),
		"else the robot account is disabled, or Quay is ill: its log tells",
	}
}
