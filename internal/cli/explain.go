// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// refusedIDToken is an exchange that did not succeed, with what the ID token
// says: everything that is needed to mend it.
type refusedIDToken struct {
	target target
	claims idtoken.Claims
	err    error
}

func (r *refusedIDToken) Error() string { return r.err.Error() }
func (r *refusedIDToken) Unwrap() error { return r.err }

// refusedLogin is a robot token that the registry did not take.
type refusedLogin struct {
	target target
	err    error
}

func (r *refusedLogin) Error() string { return r.err.Error() }
func (r *refusedLogin) Unwrap() error { return r.err }

// explain turns an error into what people read: the error in one line, then
// what can be done about it. Every hint of the program is made here.
func explain(err error) host.Message {
	var (
		usage       *usageError
		idToken     *refusedIDToken
		login       *refusedLogin
		missing     *idtoken.Error
		unreachable *endpoint.Unreachable
	)
	message := host.Message{Text: err.Error()}
	switch {
	case errors.As(err, &usage):
		message.Hints = usageHints(usage)
	case errors.As(err, &missing):
		message.Hints = idTokenHints(missing)
	case errors.As(err, &idToken):
		message.Hints = exchangeHints(idToken)
	case errors.As(err, &login):
		message.Hints = loginHints(login)
	case errors.As(err, &unreachable):
		message.Hints = networkHints(unreachable)
	default:
		message.Hints = authFileHints(err)
	}
	return message
}

func usageHints(usage *usageError) []string {
	command := usage.command
	if command == "" {
		command = "quay-keyless"
	}
	return []string{command + " --help"}
}

// idTokenCures is what each problem of a job without an ID token needs.
var idTokenCures = map[idtoken.Problem][]string{
	idtoken.NoSource: {
		"GitHub Actions: give the job the permission id-token: write",
		"GitLab CI: give the job id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"Tekton, Kubernetes: mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay",
		"elsewhere: --id-token-file PATH, --id-token-env NAME or --id-token-stdin",
	},
	idtoken.NoPermission: {
		"add to the job or the workflow: permissions: {contents: read, id-token: write}",
		"a reusable workflow of another organization gets it only if its caller has it too",
		"on Forgejo: enable-openid-connect: true",
	},
	idtoken.ForkPullRequest: {
		"GitHub gives jobs of a fork's pull request no ID token, whatever the permissions say: push images in a job that runs after the merge",
	},
	idtoken.NoIDTokens: {
		"add to the job: id_tokens: {QUAY_ID_TOKEN: {aud: quay}}",
		"a token under another name: --id-token-env NAME",
	},
	idtoken.NoVariable: {
		"name a variable that this job has; --id-token-source auto looks at what the platform offers",
	},
	idtoken.NoFile: {
		"in a pod: mount a projected serviceAccountToken volume with the audience quay there",
	},
	idtoken.APICredential: {
		"Quay must not see it: mount a serviceAccountToken volume with the audience quay at /var/run/secrets/quay, and leave --id-token-file out",
	},
	idtoken.SeveralLines: {"the ID token alone belongs there, in one line"},
	idtoken.NotJWT: {
		"an ID token has three parts with dots between them and begins with eyJ; opaque access tokens and robot passwords cannot be exchanged",
	},
	idtoken.Expired: {
		"log in earlier in the job, or have the platform give a fresh ID token right before",
	},
	idtoken.TooLong: {
		"Quay's front takes about 6100 bytes: have the provider put fewer claims in the token",
	},
}

func idTokenHints(e *idtoken.Error) []string {
	return idTokenCures[e.Problem]
}

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

// loginHints is for a robot token that the exchange gave and the registry does
// not take (contract, sections 3 and 4).
func loginHints(r *refusedLogin) []string {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	switch {
	case errors.As(r.err, &refusal):
		switch refusal.Reason {
		case quay.RobotsDisabled:
			return []string{"the administrator has switched robots off: ROBOTS_DISALLOW in Quay's configuration, with ROBOTS_WHITELIST for exceptions"}
		case quay.OwnerDisabled:
			return []string{fmt.Sprintf("the organization or user %s is disabled in Quay", r.target.robot.Namespace)}
		case quay.NotGranted:
			return []string{fmt.Sprintf("in Quay, give %s the permission Write (or Read for a pull) on that repository; a repository that does not exist looks the same", r.target.robot)}
		}
	case errors.As(r.err, &unreachable) && unreachable.Answer() != nil && unreachable.Answer().Status == http.StatusInternalServerError:
		return []string{"Quay's registry answers a robot token that it does not accept with a 500: see Quay's log, or its clock"}
	case errors.As(r.err, &unreachable):
		return networkHints(unreachable)
	case errors.Is(r.err, quay.ErrNoProof):
		return []string{"--check asks the registry, so it cannot be had here: leave it out"}
	}
	return nil
}

// networkHints is for endpoints that were not reached or not trusted.
func networkHints(u *endpoint.Unreachable) []string {
	var unknownCA x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(u.Err, &unknownCA):
		return []string{"a private CA: --ca-certificate PATH (or QUAY_CA_CERTIFICATE with the PEM text)"}
	case endpoint.NotTrusted(u.Err):
		return []string{"the certificate is not for this host and this time: is the name right, and the clock?"}
	case endpoint.NoTLS(u.Err):
		return []string{"that server speaks no TLS: is the port right? http://HOST chooses plain http"}
	case errors.As(u.Err, &dns):
		return []string{"is the host's name right, and can this job resolve it? Behind a proxy: HTTPS_PROXY"}
	case u.Answer() != nil:
		return nil
	}
	return []string{"can this job reach that host? Behind a proxy: HTTPS_PROXY, with NO_PROXY for hosts inside"}
}
