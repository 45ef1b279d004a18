// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/quay"
)

// loginHints is for a robot token that the exchange gave and the registry does
// not take (contract, sections 3 and 4).
func loginHints(r *refusedLogin) []string {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	switch {
	case errors.As(r.err, &refusal):
		return registryCure(r.target, refusal)
	case errors.As(r.err, &unreachable) && unreachable.Answer() != nil:
		switch unreachable.Answer().Status {
		case http.StatusInternalServerError:
			return []string{"Quay's registry answers a robot token that it does not accept with a 500: see Quay's log, and its clock"}
		case http.StatusTooManyRequests:
			return []string{rateLimited(r.target)}
		}
	case errors.As(r.err, &unreachable):
		return networkHints(unreachable)
	case errors.Is(r.err, quay.ErrNoProof):
		return []string{"--check asks the registry, so it cannot be had here: leave it out"}
	}
	return nil
}

func registryCure(t target, refusal *quay.Refusal) []string {
	switch refusal.Reason {
	case quay.RobotsDisabled:
		return []string{"the administrator has switched robots off: ROBOTS_DISALLOW in Quay's configuration, with ROBOTS_WHITELIST for exceptions"}
	case quay.OwnerDisabled:
		return []string{fmt.Sprintf("the organization or user %s is disabled in Quay", t.robot.Namespace)}
	case quay.NoSuchRobot:
		return []string{fmt.Sprintf("the robot account %s was there a moment ago: somebody deleted it", t.robot)}
	case quay.NotGranted:
		return []string{fmt.Sprintf("in Quay, give %s the permission Write on that repository (Read is enough to pull); one that does not exist looks the same", t.robot)}
	}
	if refusal.Status == http.StatusUnauthorized {
		return []string{headerChanged}
	}
	return nil
}

// networkHints is for endpoints that were not reached or not trusted.
func networkHints(u *endpoint.Unreachable) []string {
	var unknownCA x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(u.Err, &unknownCA):
		return []string{"a private CA: --ca-certificate PATH (or QUAY_CA_CERTIFICATE with the PEM text); --tls-verify=false concerns the registry alone"}
	case endpoint.NotTrusted(u.Err):
		return []string{"the certificate is not for this host and this time: is the name right, and the clock?"}
	case endpoint.NoTLS(u.Err):
		return []string{"that server speaks no TLS: is the port right? http://HOST chooses plain http"}
	case errors.As(u.Err, &dns):
		return []string{"is the host's name right, and can this job resolve it? Behind a proxy: HTTPS_PROXY"}
	case u.Answer() != nil && u.Answer().Status == http.StatusTooManyRequests:
		return []string{"too many requests at once: try later, or raise --timeout"}
	case u.Answer() != nil:
		return []string{"it is ill or restarting: try again later, or raise --timeout"}
	case endpoint.TimedOut(u.Err):
		return []string{"it answers slowly: raise --timeout; behind a proxy: HTTPS_PROXY, with NO_PROXY for hosts inside"}
	}
	return []string{"can this job reach that host? Behind a proxy: HTTPS_PROXY, with NO_PROXY for hosts inside"}
}
