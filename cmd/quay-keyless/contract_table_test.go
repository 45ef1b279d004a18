// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"slices"
	"strings"
	"time"

	"quay-keyless/internal/quay"
	"quay-keyless/internal/sandbox"
)

// contractCases is the table, in the order of the contract's sections 2 to 4.
func contractCases() []contractCase {
	return slices.Concat(takenCases(), headerCases(), nameCases(), stoppedCases(), issuerCases(), documentCases(),
		troubleCases(), signatureCases(), timeCases(), audienceCases(), subjectCases(), traitCases(), frontCases(), stateCases(), registryCases())
}

const (
	noIssuer  = "Token does not contain issuer"
	noRobot   = "Could not find robot with specified username"
	noKeyID   = "Missing `kid` header"
	wrongSub  = "Token does not match robot"
	wrongAlg  = "The specified alg value is not allowed"
	wrongSign = "Signature verification failed"
	foreign   = " not configured for this robot"
	differs   = "Issuer '<issuers>/%' not in configured issuers: ['<issuers>/#']"
)

func takenCases() []contractCase {
	return []contractCase{
		taken("ok", "ok", from("good")),
		taken("expired-20s-ago", "expired 20", claims("exp", 20*ago, "iat", 300*ago)),
		taken("issued-in-20s", "iat +20", claims("iat", 20*time.Second)),
		taken("not-before-in-1h", "nbf +1h", claims("nbf", time.Hour)),
		taken("audience-not-configured", "aud any", claims("aud", "anything")),
		taken("audience-absent-not-configured", "no aud", claims("aud", nil)),
		taken("rs384", "RS384", signed("RS384")),
		taken("keys-by-plain-http", "mode jplain", from("jplain")),
		taken("header-almost-too-long", "header 7.9k", claims("padding", strings.Repeat("x", 3800))),
		with("a robot of a user", nil, withRobot("admin+mine2", taken("robot-of-a-user", "exchange admin+mine2", from("good")))),
	}
}

// withRobot names another robot than the usual one.
func withRobot(robot string, c contractCase) contractCase {
	c.robot = robot
	return c
}

// nameCases are names that no robot has. The program stops most of them: it
// knows the form of a robot's name.
func nameCases() []contractCase {
	unknown := func(name, robot string) contractCase {
		return withRobot(robot, refused(name, "", from("good"), quay.NoSuchRobot, noRobot))
	}
	malformed := func(name, robot string) contractCase {
		c := unknown(name, robot)
		c.exit, c.exchanges = 2, 0
		return c
	}
	noPlus := malformed("robot-without-plus", "<organization>")
	noPlus.recorded, noPlus.exchange = "no plus", answer{401, `{"error":"Invalid robot"}`}
	noSuch := unknown("robot-unknown", "<organization>+nobody")
	noSuch.recorded = "unknown robot"
	nobody := unknown("organization-unknown", "no-such-organization+nobody")
	nobody.reason = quay.NoOwner
	return []contractCase{
		noSuch, noPlus, nobody,
		malformed("robot-wrong-case", "<ROBOT>"),
		malformed("robot-trailing-space-inside", "<robot> x"),
		malformed("robot-two-pluses", "<robot>+x"),
		malformed("robot-without-name", "<organization>+"),
		malformed("robot-without-organization", "+nobody"),
		malformed("robot-not-ascii", "<robot>é"),
		withRobot("<robot without federation>", refused("robot-not-federated", "nofed", from("good"), quay.NotFederated,
			"Robot does not have federated login configured")),
	}
}

// stoppedCases are ID tokens that the program looks at and does not send, and
// those that it mends first.
func stoppedCases() []contractCase {
	text := func(text string) func(string) string { return func(string) string { return text } }
	mended := func(name, recorded string, spoil func(string) string) contractCase {
		c := taken(name, recorded, from("good"))
		c.spoil, c.exchange = spoil, internalError
		return c
	}
	noJWT := func(name, recorded string, spoil func(string) string) contractCase {
		return stopped(name, recorded, from("good"), spoil, internalError)
	}
	expired := says("Invalid token: Signature has expired")
	return []contractCase{
		mended("newline-at-the-end", "newline", func(t string) string { return t + "\n" }),
		mended("space-at-the-start", "", func(t string) string { return " " + t }),
		noJWT("token-is-text", "nonjwt", text("STATIC-PASSWORD-OF-A-ROBOT")),
		noJWT("token-empty", "empty pw", text("")),
		noJWT("token-of-blanks", "", text(" \n")),
		noJWT("token-of-two-parts", "", func(t string) string { return t[:strings.LastIndex(t, ".")] }),
		noJWT("token-of-five-parts", "", func(t string) string { return t + ".AAAA.AAAA" }),
		noJWT("token-of-dots", "", text("a.b.c")),
		noJWT("token-with-newline-inside", "", func(t string) string { return t[:40] + "\n" + t[40:] }),
		noJWT("token-with-bearer", "", func(t string) string { return "Bearer " + t }),
		noJWT("token-not-ascii", "", func(t string) string { return "é" + t }),
		noJWT("token-payload-is-a-list", "", func(t string) string {
			parts := strings.Split(t, ".")
			return parts[0] + ".W10." + parts[2]
		}),
		withRobot("<robot without federation>", noJWT("token-is-text-robot-not-federated", "nofed+nonjwt", text("STATIC-PASSWORD-OF-A-ROBOT"))),
		stopped("expired-2m-ago", "expired", claims("exp", 120*ago, "iat", 400*ago), nil, expired),
		stopped("expired-33s-ago", "", claims("exp", 33*ago, "iat", 300*ago), nil, expired),
		stopped("header-too-long", "", claims("padding", strings.Repeat("x", 4900)), nil, headerTooLong),
		with("no front before Quay", appServer, stopped("header-too-long-without-front", "header 9.7k",
			claims("padding", strings.Repeat("x", 4900)), nil, answer{431, "page: Request Header Fields Too Large"})),
	}
}

func appServer(config *sandbox.Config) { config.AppServer = true }

// issuerCases are decided before Quay asks the issuer.
func issuerCases() []contractCase {
	unknown := func(name, recorded, issuer string) contractCase {
		return refused(name, recorded, claims("iss", issuer), quay.UnknownIssuer, "issuer "+issuer+foreign)
	}
	return []contractCase{
		refused("issuer-absent", "no iss", claims("iss", nil), quay.NoIssuer, noIssuer),
		refused("issuer-empty", "", claims("iss", ""), quay.NoIssuer, noIssuer),
		withRobot("<robot without federation>", refused("issuer-absent-robot-not-federated", "", claims("iss", nil), quay.NoIssuer, noIssuer)),
		unknown("issuer-unknown", "wrong iss", "https://example.com"),
		unknown("issuer-with-slash", "iss slash", "<issuers>/good/"),
		unknown("issuer-wrong-case", "", "<issuers>/Good"),
		unknown("issuer-is-quay", "", "quay"),
		invalid("key-id-absent", "no kid", header("kid", nil), quay.NoKeyID, noKeyID),
		// The program's own parser wants a text, before Quay is asked.
		only("3.18", stopped("key-id-is-a-number", "", header("kid", 7), nil, internalError)),
		only("3.16.2", stopped("key-id-is-a-number-3.16.2", "", header("kid", 7), nil, says("Invalid token: Key ID header parameter must be a string"))),
		only("3.18", trouble("critical-header", "", header("crit", []string{"exp"}))),
		only("3.16.2", taken("critical-header-3.16.2", "", header("crit", []string{"exp"}))),
	}
}

// documentCases differ in the issuer's discovery document.
func documentCases() []contractCase {
	document := func(mode, issuer string) []contractCase {
		words := strings.NewReplacer("%", mode, "#", issuer).Replace(differs)
		return []contractCase{
			only("3.18", invalid("discovery-"+mode, "mode "+mode, from(mode), quay.IssuerDiffers, words)),
			only("3.16.2", invalid("discovery-"+mode+"-3.16.2", "mode "+mode, from(mode), quay.IssuerDiffers, "Invalid issuer")),
		}
	}
	slash := func(c contractCase) contractCase {
		return withRobot("<organization>+slash", with("an entry whose issuer ends with a slash", nil, c))
	}
	inBoth := claims("iss", "<issuers>/good/")
	const recorded = "cfg slash + tok slash (disc no slash)"
	return append(slices.Concat(document("dother", "somebody-else"), document("dredir", "good")),
		only("3.18", taken("discovery-dslash", "mode dslash", from("dslash"))),
		only("3.16.2", invalid("discovery-dslash-3.16.2", "mode dslash", from("dslash"), quay.IssuerDiffers, "Invalid issuer")),
		only("3.18", slash(taken("slash-in-entry-and-token", recorded, inBoth))),
		only("3.16.2", slash(invalid("slash-in-entry-and-token-3.16.2", recorded, inBoth, quay.IssuerDiffers, "Invalid issuer"))),
	)
}

// troubleCases are issuers and keys that Quay cannot use. It does not say so:
// its answers are those of a Quay that is ill.
func troubleCases() []contractCase {
	var list []contractCase
	for _, mode := range []string{"d500", "d404", "dhtml", "dempty", "j500", "jhtml", "jempty", "jnokid"} {
		list = append(list, trouble("issuer-"+mode, "mode "+mode, from(mode)))
	}
	for _, mode := range []string{"d429", "dlist", "jodd"} {
		list = append(list, trouble("issuer-"+mode, "", from(mode)))
	}
	slow := unreached("issuer-slow", "mode dslow8", "dslow8")
	slow.between.slow = "/issuers/dslow8/.well-known/openid-configuration"
	return append(list, slow,
		trouble("issuer-by-plain-http", "http issuer", from("plain")),
		trouble("key-id-unknown", "unknown kid", header("kid", "nobody")),
		with("an EC key of the issuer", nil, trouble("key-of-an-elliptic-curve", "ES256", signed("ES256"))),
		unreached("issuer-closed", "closed", "closed"),
		unreached("issuer-untrusted", "untrusted tls", "untrusted"),
		unreached("issuer-name-unknown", "", "nameless"),
	)
}

// signatureCases fail on the signature and its algorithm.
func signatureCases() []contractCase {
	spoilt := func(c contractCase, spoil func(string) string) contractCase {
		c.spoil = spoil
		return c
	}
	return []contractCase{
		invalid("algorithm-rs512", "RS512", signed("RS512"), quay.Algorithm, wrongAlg),
		invalid("algorithm-ps256", "PS256", signed("PS256"), quay.Algorithm, wrongAlg),
		invalid("algorithm-hs256", "HS256", signed("HS256"), quay.Algorithm, wrongAlg),
		invalid("algorithm-none", "none", signed("none"), quay.Algorithm, wrongAlg),
		invalid("signature-of-another-key", "other key", sandbox.Token{OtherKey: true}, quay.BadSignature, wrongSign),
		spoilt(invalid("signature-changed", "bad sig", from("good"), quay.BadSignature, wrongSign),
			func(t string) string { return t[:len(t)-20] + "AAAA" + t[len(t)-16:] }),
		// The program's own parser wants one, before Quay is asked.
		stopped("signature-empty", "", from("good"), func(t string) string { return t[:strings.LastIndex(t, ".")+1] },
			says("Invalid token: "+wrongSign)),
	}
}

// timeCases fail on iat and exp.
func timeCases() []contractCase {
	missing := func(name, recorded, claim string, token sandbox.Token) contractCase {
		return invalid(name, recorded, token, quay.MissingClaim, `Token is missing the "`+claim+`" claim`)
	}
	future := "Issued At claim (iat) cannot be in the future."
	late := with("an answer without a date", nil, invalid("expired-and-no-clock-tells",
		"expired", claims("exp", 120*ago, "iat", 400*ago), quay.IDTokenExpired, "Signature has expired"))
	late.between, late.needs = between{undated: true, wrong: -10 * time.Minute}, ""
	return []contractCase{
		late,
		missing("issued-at-absent", "no iat", "iat", claims("iat", nil)),
		missing("issued-at-null", "", "iat", claims("iat", null)),
		missing("expiry-absent", "no exp", "exp", claims("exp", nil)),
		missing("expiry-null", "", "exp", claims("exp", null)),
		missing("times-absent", "", "iat", claims("exp", nil, "iat", nil)),
		invalid("issued-in-60s", "iat +60", claims("iat", time.Minute), quay.NotYetIssued, future),
		invalid("issued-in-45s", "", claims("iat", 45*time.Second), quay.NotYetIssued, future),
		invalid("issued-at-is-text", "iat str", claims("iat", "soon"), quay.MalformedClaim, "Issued At claim (iat) must be an integer."),
		invalid("expiry-is-text", "exp str", claims("exp", "soon"), quay.MalformedClaim, "Expiration Time claim (exp) must be an integer."),
	}
}

// audienceCases have a robot whose entry asks for an audience.
func audienceCases() []contractCase {
	const needs = "an entry with audiences, and the release 3.18"
	asking := func(c contractCase) contractCase {
		return only("3.18", with(needs, func(config *sandbox.Config) {
			for i := range config.Robots[0].Federation {
				config.Robots[0].Federation[i].Audiences = []string{"quay", "another"}
			}
		}, c))
	}
	unchecked := asking(taken("audience-other-3.16.2", "", claims("aud", "other")))
	unchecked.release = "3.16.2"
	return []contractCase{
		unchecked,
		asking(taken("audience-one-of-several", "", claims("aud", []string{"x", "quay"}))),
		asking(invalid("audience-other", "", claims("aud", "other"), quay.WrongAudience, "Audience doesn't match")),
		asking(invalid("audience-absent", "", claims("aud", nil), quay.MissingClaim, `Token is missing the "aud" claim`)),
		asking(invalid("audience-empty", "", claims("aud", ""), quay.MissingClaim, `Token is missing the "aud" claim`)),
		asking(invalid("audience-is-a-number", "", claims("aud", 42), quay.MalformedClaim, "Invalid claim format in token")),
		with("an entry whose audiences are broken", func(config *sandbox.Config) {
			config.Robots[0].Federation[0].BrokenAudiences = true
		}, trouble("audiences-broken", "", from("good"))),
	}
}

// subjectCases fail last, on the subject.
func subjectCases() []contractCase {
	wrong := func(name, recorded string, subject any) contractCase {
		return refused(name, recorded, claims("sub", subject), quay.WrongSubject, wrongSub)
	}
	return []contractCase{
		wrong("subject-other", "wrong sub", "<subject>-other"),
		wrong("subject-absent", "no sub", nil),
		wrong("subject-empty", "", ""),
		wrong("subject-wrong-case", "", "<SUBJECT>"),
		wrong("subject-wildcard", "", "*"),
		only("3.18", invalid("subject-is-a-number", "sub number", claims("sub", 42), quay.MalformedClaim, "Subject must be a string")),
		only("3.16.2", wrong("subject-is-a-number-3.16.2", "sub number", 42)),
		only("3.18", invalid("token-id-is-a-number", "", claims("jti", 42), quay.MalformedClaim, "JWT ID must be a string")),
		only("3.16.2", taken("token-id-is-a-number-3.16.2", "", claims("jti", 42))),
	}
}
