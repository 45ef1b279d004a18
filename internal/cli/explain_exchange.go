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

// exchangeHints names what Quay objected to, what the token says, and what to
// enter in Quay.
func exchangeHints(r *refusedIDToken) []string {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	switch {
	case errors.As(r.err, &refusal):
		cure, ok := exchangeCures[refusal.Reason]
		if !ok {
			return nil
		}
		hints := cure.words(r)
		if cure.identity {
			hints = append(hints, "this job's ID token: "+identity(r.claims))
		}
		if cure.entry {
			hints = append(hints, entry(r))
		}
		return hints
	case errors.As(r.err, &unreachable) && unreachable.Answer() != nil:
		return troubleHints(unreachable.Answer().Status, r)
	case errors.As(r.err, &unreachable):
		return networkHints(unreachable)
	}
	return nil
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
	return fmt.Sprintf("in Quay, at the robot account %s, choose Set robot federation and add: Issuer URL %s  Subject %s",
		r.target.robot, orNone(r.claims.Issuer), orNone(r.claims.Subject))
}

// cure is what a refusal of the exchange needs.
type cure struct {
	words    func(*refusedIDToken) []string
	identity bool // show what the ID token says
	entry    bool // show the federation entry to add
}

func says(words ...string) func(*refusedIDToken) []string {
	return func(*refusedIDToken) []string { return words }
}

// exchangeCures is one row for each reason that the exchange can give.
var exchangeCures = map[quay.Reason]cure{
	quay.BadHeader:    {words: says("something between this job and Quay changed the Authorization header: look at proxies in between")},
	quay.InvalidRobot: {words: says("the robot's full name is ORG+NAME, as Quay shows it")},
	quay.NoSuchRobot: {words: func(r *refusedIDToken) []string {
		return []string{fmt.Sprintf("%s has no robot account %s: look for its name under Robot accounts of %s, where it can be created too",
			r.target.registry.Host, r.target.robot, r.target.robot.Namespace)}
	}},
	quay.NotFederated: {entry: true, identity: true, words: says("the robot trusts no ID token yet: it has no federation entry")},
	quay.NoIssuer:     {identity: true, words: says("the ID token has no issuer, so Quay cannot verify it")},
	quay.UnknownIssuer: {entry: true, identity: true, words: says(
		"Quay objected to the issuer: none of the robot's federation entries has it; every character counts, a slash at the end too")},
	quay.WrongSubject: {entry: true, identity: true, words: says(
		"Quay objected to the subject: an entry has this issuer, but none with it has this subject; every character counts, there are no wildcards")},
	quay.WrongAudience: {identity: true, words: says(
		"Quay objected to the audience: ask for the one that the entry has with --audience, or as aud: under id_tokens on GitLab")},
	quay.IssuerDiffers: {identity: true, words: func(r *refusedIDToken) []string {
		return []string{"Quay objected to the issuer: its discovery document names another one; compare \"issuer\" in " + discovery(r)}
	}},
	quay.NoKeyID: {words: says("the ID token's header has no usable kid, which Quay needs to find the key: its provider has to set one")},
	quay.Algorithm: {words: func(r *refusedIDToken) []string {
		return []string{fmt.Sprintf("the ID token is signed with %s, Quay takes RS256 and RS384 only: choose one of them at the provider", orNone(r.claims.Algorithm))}
	}},
	quay.BadSignature: {identity: true, words: func(r *refusedIDToken) []string {
		return []string{"the signature does not fit the issuer's key: the token was changed or cut on its way, or is of another provider than " + orNone(r.claims.Issuer)}
	}},
	quay.MissingClaim:   {identity: true, words: says("Quay needs the claims iss, sub, iat and exp, and aud where the entry has audiences")},
	quay.MalformedClaim: {identity: true, words: says("a claim of the ID token has a type that Quay does not take: its provider has to mend it")},
	quay.NotYetIssued:   {words: says("the ID token was issued in Quay's future: the provider's clock or Quay's is off by more than 30 seconds")},
	quay.IDTokenExpired: {words: says("the ID token expired before Quay saw it: log in earlier in the job; if it is fresh, Quay's clock is off")},
	quay.HeaderTooLarge: {words: says("the ID token is too long for the server in front of Quay: have the provider put fewer claims in it")},
	quay.NoEndpoint: {words: func(r *refusedIDToken) []string {
		return []string{fmt.Sprintf("is %s the registry's own host name? If it is, its Quay is older than 3.13, which cannot exchange ID tokens", r.target.registry.Host)}
	}},
	quay.Unrecognized: {identity: true, words: says()},
}

func discovery(r *refusedIDToken) string {
	return strings.TrimSuffix(r.claims.Issuer, "/") + "/.well-known/openid-configuration"
}

// troubleHints names every cause that a 5xx can have at this exchange, with
// how to check each: Quay's 500 and 502 seldom mean that Quay is ill (contract,
// section 2).
func troubleHints(status int, r *refusedIDToken) []string {
	switch {
	case status == http.StatusTooManyRequests:
		return []string{"too many logins at once for " + r.target.registry.Host + ": try later, or raise --timeout"}
	case status == http.StatusGatewayTimeout:
		return []string{"Quay waits for the issuer's keys without a limit: look how fast the jwks_uri of " + discovery(r) + " answers Quay"}
	case status < 500:
		return nil
	}
	hints := []string{"if " + r.target.registry.Host + " is up, the cause is most likely the issuer, which Quay asks for its keys in each exchange:"}
	if !strings.HasPrefix(r.claims.Issuer, "https://") {
		hints = append(hints, "the issuer "+orNone(r.claims.Issuer)+" is not https, which Quay needs")
	}
	if status == http.StatusBadGateway || status == http.StatusServiceUnavailable {
		return append(hints, "on Quay's host: curl "+discovery(r),
			"if that fails by its certificate: add the issuer's CA to Quay's extra_ca_certs")
	}
	if a := r.claims.Algorithm; a != "RS256" && a != "RS384" {
		hints = append(hints, fmt.Sprintf("the ID token is signed with %s, Quay takes RS256 and RS384 only", orNone(a)))
	}
	return append(hints, "curl "+discovery(r)+" answers with JSON that has a jwks_uri?",
		fmt.Sprintf("that jwks_uri has an RSA key with the kid %s?", orNone(r.claims.KeyID)))
}
