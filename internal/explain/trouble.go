// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"net/http"
	"strings"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/request"
)

// troubleHints is for an exchange without an answer, or with a transient one to every
// attempt. Quay's 500, 502 and 504 seldom mean that Quay itself fails, so it names every
// cause that this ID token allows.
func troubleHints(r *login.RefusedIDToken, u *endpoint.Unreachable) []string {
	if u.Answer() == nil {
		switch {
		case endpoint.TimedOut(u.Err): // the ping was answered, so it is Quay that waits
			return slowKeysHints(r)
		case endedByFront(u.Err):
			return []string{"have the ID token's provider put fewer claims in it, and look at the proxies in between: the server in front of Quay ends the connection where a header is too long"}
		}
		return NetworkHints(u)
	}
	switch u.Answer().Status {
	case http.StatusTooManyRequests:
		return []string{rateLimited(r.Target)}
	case http.StatusGatewayTimeout:
		return slowKeysHints(r)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return unreachedIssuerHints(r)
	case http.StatusInternalServerError:
		return internalErrorHints(r)
	}
	return NetworkHints(u)
}

// endedByFront reports nginx refusing a long header over HTTP/2: it ends the stream or
// the connection. net/http has no type for that.
func endedByFront(err error) bool {
	words := err.Error()
	return strings.Contains(words, "stream error: ") || strings.Contains(words, "ENHANCE_YOUR_CALM")
}

func rateLimited(t request.Target) string {
	return "too many logins at once for " + t.Registry.Host + ": try later, or raise --timeout"
}

func slowKeysHints(r *login.RefusedIDToken) []string {
	if obstacle, found := issuer.OutOfReach(r.Claims.Issuer, r.Target.Registry.Host); found {
		return append([]string{obstacle.Text}, obstacle.Cures...)
	}
	return []string{
		"Quay waits for the issuer's keys without a limit: look how fast the address that is its jwks_uri answers Quay",
		"on the machine that Quay runs on: curl -s " + platform.Operand(idtoken.DiscoveryURL(r.Claims.Issuer)),
	}
}

func unreachedIssuerHints(r *login.RefusedIDToken) []string {
	if obstacle, found := issuer.OutOfReach(r.Claims.Issuer, r.Target.Registry.Host); found {
		return append([]string{obstacle.Text}, obstacle.Cures...)
	}
	return []string{
		"Quay is starting, or does not reach the ID token's issuer within 5 seconds, or does not trust its certificate",
		"on the machine that Quay runs on: curl -s " + platform.Operand(idtoken.DiscoveryURL(r.Claims.Issuer)),
		"where the issuer has a private CA: it belongs in the folder extra_ca_certs of Quay's configuration",
	}
}

// internalErrorHints begins with what the ID token alone makes certain.
func internalErrorHints(r *login.RefusedIDToken) []string {
	if found := hopeless(r.Claims, r.Target.Registry.Host); found != nil {
		return traitWords(r.Claims, found)
	}
	return []string{
		fmt.Sprintf("most likely Quay finds no RSA key with the ID token's kid %s: the address below must answer with JSON, and the one that is its jwks_uri with that key", platform.OrNone(r.Claims.KeyID)),
		"curl -s " + platform.Operand(idtoken.DiscoveryURL(r.Claims.Issuer)),
		"else the robot account is disabled, or Quay is ill: its log tells",
	}
}
