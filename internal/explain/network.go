// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/platform"
)

// networkReasons are endpoints that were not reached or not trusted, and answers that
// cannot be right.
var networkReasons = map[string]reason{
	"proxy-not-reached": {exitUnreachable, reaching("cannot reach %s through the proxy",
		do("Check the address of the proxy in HTTPS_PROXY."),
		platform.Step{Text: "If the host needs no proxy, set:", Values: []platform.Value{{Name: "NO_PROXY", Value: "HOST"}}})},
	"no-ca-certificates": {exitUnreachable, reaching("cannot check %s: no CA certificates here",
		do("Install the package ca-certificates, with apt-get, dnf, apk or zypper."),
		do("Or name a file with CA certificates in SSL_CERT_FILE. For a registry with a private CA, --ca-certificate PATH is enough."))},
	"unknown-ca": {exitUnreachable, reaching("the certificate of %s is from an unknown CA",
		do("If the host has a private CA, add --ca-certificate PATH, or set QUAY_CA_CERTIFICATE to its PEM text."),
		do("To skip the check for the registry alone, add --tls-verify=false. Anybody on the way can then read the login."))},
	"certificate-invalid": {exitUnreachable, reaching("the certificate of %s is not valid",
		do("Check the host name and this machine's clock."),
		do("If both are right, ask the host's administrator for a new certificate."))},
	"no-tls": {exitUnreachable, noTLSWords},
	"host-unknown": {exitUnreachable, reaching("cannot find the host of %s",
		do("Check the host name, and whether this job can resolve it."),
		do("If this job needs a proxy, set HTTPS_PROXY."))},
	"rate-limited": {exitUnreachable, reaching("%s gets too many requests",
		do("Try again later, or raise --timeout so that quay-keyless waits longer."))},
	"failing": {exitUnreachable, reaching("%s fails at the moment",
		do("Try again later, or raise --timeout so that quay-keyless waits longer."))},
	"timed-out": {exitUnreachable, reaching("%s does not answer in time",
		do("Raise --timeout."), proxies)},
	"not-reached": {exitUnreachable, reaching("cannot reach %s",
		do("Check whether this job can reach that host."), proxies)},
	"issuer-slow": {exitUnreachable, exchanging("%s does not answer the exchange in time", func(f *facts) []platform.Step {
		return []platform.Step{
			do("Check how fast the issuer's keys answer Quay: Quay waits without a limit for the address that is the jwks_uri of:"),
			paste("On the machine that Quay runs on:", fetch(f.claims)),
		}
	})},
	"issuer-not-reached": {exitUnreachable, exchanging("%s cannot exchange the ID token at the moment", func(f *facts) []platform.Step {
		return []platform.Step{
			paste("Check on the machine that Quay runs on whether it reaches the issuer within 5 seconds and trusts its certificate:", fetch(f.claims)),
			do("If the issuer has a private CA, put it into the folder extra_ca_certs of Quay's configuration."),
			do("If Quay is starting, try again later."),
		}
	})},
	"quay-failing": {exitUnreachable, func(f *facts) platform.Message {
		services := strings.Join(f.state.Failing, ", ")
		return f.message(fmt.Sprintf("%s itself is failing: %s", f.host(), services),
			do("Try again later. Nothing is wrong with this job."),
			paste(fmt.Sprintf("If it lasts, ask the administrator of %s. Quay shows which of its services do not work (%s):", f.host(), services), "curl -sS "+platform.Operand(webAddress(f.target, "/health/instance"))))
	}},
	"quay-error": {exitUnreachable, quayErrorWords},
	"header-too-long": {exitUnreachable, exchanging("the connection to %s ends during the exchange", func(*facts) []platform.Step {
		return []platform.Step{
			do("Configure the ID token's provider to %s.", fewerClaims),
			do("Check the proxies between this job and Quay."),
		}
	})},
	"wrong-answer": {exitOther, func(f *facts) platform.Message {
		var answer *endpoint.Unbelievable
		errors.As(f.err, &answer)
		m := f.message("unexpected answer from "+answer.Name, do("Check the host name: a login page or a proxy may have answered instead."))
		m.Said = answer.Why
		return m
	}},
}

var proxies = do("If this job needs a proxy, set HTTPS_PROXY, and NO_PROXY for hosts inside.")

// unreached is why an endpoint was not reached.
func unreached(u *endpoint.Unreachable) string {
	var operation *net.OpError
	switch {
	case errors.As(u.Err, &operation) && operation.Op == "proxyconnect":
		return "proxy-not-reached"
	case errors.As(u.Err, new(*endpoint.NoRoots)):
		return "no-ca-certificates"
	case errors.As(u.Err, new(x509.UnknownAuthorityError)):
		return "unknown-ca"
	case endpoint.NotTrusted(u.Err):
		return "certificate-invalid"
	case endpoint.NoTLS(u.Err):
		return "no-tls"
	case errors.As(u.Err, new(*net.DNSError)):
		return "host-unknown"
	case u.Answer() != nil && u.Answer().Status == http.StatusTooManyRequests:
		return "rate-limited"
	case u.Answer() != nil:
		return "failing"
	case endpoint.TimedOut(u.Err):
		return "timed-out"
	}
	return "not-reached"
}

// reaching is about what was asked.
func reaching(text string, steps ...platform.Step) func(*facts) platform.Message {
	return func(f *facts) platform.Message { return f.message(fmt.Sprintf(text, f.unreachable.Name), steps...) }
}

// exchanging is about Quay's exchange. It begins with an issuer that Quay cannot reach.
func exchanging(text string, steps func(*facts) []platform.Step) func(*facts) platform.Message {
	return func(f *facts) platform.Message {
		m := f.message(fmt.Sprintf(text, f.host()), steps(f)...)
		m.Notes = f.stateNotes()
		if obstacle, found := issuer.OutOfReach(f.claims.Issuer, f.target.Registry.Host); found {
			m.Notes, m.Steps = []string{strings.ToUpper(obstacle.Text[:1]) + obstacle.Text[1:] + "."}, sentences(obstacle.Cures)
		}
		return m
	}
}

func noTLSWords(f *facts) platform.Message {
	m := f.message(f.unreachable.Name+" does not speak TLS", do("Check the port. To use plain http for the registry, write http://HOST."))
	if errors.As(f.err, new(*idtoken.Unanswered)) {
		m.Steps = []platform.Step{do("Check the address. quay-keyless requests ID tokens only with https.")}
	}
	return m
}

// endedByFront reports nginx refusing a long header over HTTP/2: it ends the stream or
// the connection. net/http has no type for that.
func endedByFront(err error) bool {
	words := err.Error()
	return strings.Contains(words, "stream error: ") || strings.Contains(words, "ENHANCE_YOUR_CALM")
}

// stateNotes are what Quay told about itself that may explain a 5xx.
func (f *facts) stateNotes() []string {
	var notes []string
	if f.state.ReadOnly {
		notes = append(notes, "Quay says that it is read-only (REGISTRY_STATE in its configuration).")
	}
	if f.state.RobotsDisabled {
		notes = append(notes, "Quay says that robot accounts are disabled (ROBOTS_DISALLOW in its configuration).")
	}
	return notes
}

// quayErrorWords begins with what the ID token alone makes certain. Quay's 500 seldom
// means that Quay itself fails.
func quayErrorWords(f *facts) platform.Message {
	m := f.message(f.host() + " fails to exchange the ID token")
	if found := hopeless(f.claims, f.target.Registry.Host); found != nil {
		m.Notes, m.Steps = []string{found.sentence(f.claims)}, found.cure
		return m
	}
	m.Notes = f.stateNotes()
	if f.verified {
		m.Steps = []platform.Step{do("Check Quay's log. From here, the issuer's key matches the ID token. So the robot account is disabled, Quay gets other keys than this job, or Quay itself is failing.")}
		return m
	}
	m.Steps = []platform.Step{
		{Text: "Most likely Quay finds no RSA key for the ID token at its issuer. Check that the address in jwks_uri lists a key with this ID:",
			Values: []platform.Value{{Name: "kid", Value: platform.OrNone(f.claims.KeyID)}}, Command: fetch(f.claims)},
		do("Otherwise the robot account is disabled, or Quay itself is failing: see Quay's log."),
	}
	return m
}
