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
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// loginHints is for a robot token that the exchange gave and the registry rejects.
func loginHints(r *login.RefusedLogin) []string {
	var refusal *quay.Refusal
	var unreachable *endpoint.Unreachable
	var unbelievable *endpoint.Unbelievable
	switch {
	case errors.As(r.Err, &refusal):
		return registryCure(r, refusal)
	case errors.As(r.Err, &unreachable):
		return unprovedHints(r, unreachable)
	case errors.As(r.Err, &unbelievable):
		return []string{ownName}
	case errors.Is(r.Err, quay.ErrNoProof):
		return []string{"--check asks the registry, so it cannot be had here: leave it out"}
	}
	return nil
}

// unprovedHints is for a proof without an answer, or with a transient one to every
// attempt.
func unprovedHints(r *login.RefusedLogin, u *endpoint.Unreachable) []string {
	if u.Answer() != nil {
		switch u.Answer().Status {
		case http.StatusInternalServerError:
			return []string{"look at Quay's log and at its clock: its registry answers with 500 to a robot token that it does not accept"}
		case http.StatusTooManyRequests:
			return []string{rateLimited(r.Target)}
		}
	}
	return NetworkHints(u)
}

// registryCures has a row for each reason that the registry can give.
var registryCures = map[quay.Reason]func(*login.RefusedLogin) []string{
	quay.RobotsDisabled: func(r *login.RefusedLogin) []string { return []string{robotsDisabled(r.Target)} },
	quay.OwnerDisabled: func(r *login.RefusedLogin) []string {
		return []string{fmt.Sprintf("ask the administrator of %s: the organization or user %s is disabled there", r.Target.Registry.Host, r.Target.Robot.Namespace)}
	},
	quay.NoSuchRobot: func(r *login.RefusedLogin) []string {
		return []string{fmt.Sprintf("the robot account %s was there a moment ago, and somebody deleted it: look under Robot accounts of %s", r.Target.Robot, r.Target.Robot.Namespace)}
	},
	quay.NotGranted: notGrantedCure,
}

func robotsDisabled(t request.Target) string {
	return fmt.Sprintf("ask the administrator of %s: robots are switched off there (ROBOTS_DISALLOW in Quay's configuration), and ROBOTS_WHITELIST can let %s in", t.Registry.Host, t.Robot)
}

func registryCure(r *login.RefusedLogin, refusal *quay.Refusal) []string {
	if cure, ok := registryCures[refusal.Reason]; ok {
		return cure(r)
	}
	if refusal.Status == http.StatusUnauthorized {
		return []string{headerChanged}
	}
	return nil
}

func notGrantedCure(r *login.RefusedLogin) []string {
	grant := grant(r)
	return []string{
		fmt.Sprintf("in Quay, in the settings of %s under User and Robot Permissions, give %s the permission %s; a repository that does not exist looks the same",
			grant.Repository, grant.Robot, grant.Role),
		"or, with a token for Quay's API in QUAY_API_TOKEN: " + grant.Command,
		fmt.Sprintf("or by the API itself: PUT {\"role\":%q} to %s", strings.ToLower(grant.Role), apiAddress(r.Target, "/repository/"+grant.Repository+"/permissions/user/"+grant.Robot)),
	}
}

// grant is the permission that the registry did not grant; nil for other errors.
func grant(r *login.RefusedLogin) *platform.Grant {
	var refusal *quay.Refusal
	if !errors.As(r.Err, &refusal) || refusal.Reason != quay.NotGranted {
		return nil
	}
	repository, role := r.Permission.Repository, "Write"
	if r.Permission.Action == "pull" {
		role = "Read"
	}
	return &platform.Grant{
		Repository: repository, Robot: r.Target.Robot.String(), Role: role,
		Command: setupCommand(r.Target, repository+"="+strings.ToLower(role), r.Claims),
	}
}

// NetworkHints is for endpoints that were not reached or not trusted.
func NetworkHints(u *endpoint.Unreachable) []string {
	var noRoots *endpoint.NoRoots
	var unknownCA x509.UnknownAuthorityError
	var dns *net.DNSError
	var operation *net.OpError
	switch {
	case errors.As(u.Err, &operation) && operation.Op == "proxyconnect":
		return []string{"that is the proxy, which HTTPS_PROXY names: is its address right, and does it answer? Hosts that need none: NO_PROXY=HOST"}
	case errors.As(u.Err, &noRoots):
		return []string{
			"this system has no CA certificates: install the package ca-certificates, with apt-get, dnf, apk or zypper",
			"or name a file that has them, by SSL_CERT_FILE; for a registry with a private CA, --ca-certificate PATH is enough",
		}
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
