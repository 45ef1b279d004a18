// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// place is where a host can be reached from, as far as its name or address alone says.
type place int

const (
	anywhere place = iota
	network        // a private one
	cluster        // of Kubernetes
	machine        // the one that asks
)

// Obstacle is why Quay cannot reach an issuer, and what to do.
type Obstacle struct {
	Text  string
	Cures []string
	// Here: the issuer is on this machine, as in a trial.
	Here bool
}

// obstacles are those of each place, with the words after the issuer.
var obstacles = map[place]Obstacle{
	network: {"is in a private network, so a Quay outside it cannot reach it", []string{
		"give the issuer an https URL that Quay can reach, and have the provider put it into the ID token",
		"or publish the issuer's discovery document and keys at such a URL, which then is the issuer",
		"a Quay in the same network can use the issuer as it is",
	}, false},
	cluster: {"exists only inside its cluster, so a Quay outside it cannot reach it", []string{
		"give the cluster an issuer URL that Quay can reach: --service-account-issuer of the API server; in OpenShift, spec.serviceAccountIssuer of authentication.config/cluster",
		"publish the discovery document and the keys below that URL: kubectl get --raw /.well-known/openid-configuration and kubectl get --raw /openid/v1/jwks print them",
		"a Quay in the same cluster can use the issuer as it is, if it may read both without a login",
	}, false},
	machine: {"is on this machine alone, so a Quay elsewhere cannot reach it", []string{
		"give the issuer an https URL that Quay can reach, and have the provider put it into the ID token",
	}, true},
}

// OutOfReach finds why a registry's Quay cannot reach an issuer, by the issuer's name or
// address alone. There is none if both are in the same place or no registry is known.
func OutOfReach(issuer, registry string) (Obstacle, bool) {
	of, at := hostOf(issuer), hostOf("https://"+registry)
	there, here := placeOf(of), placeOf(at)
	if registry == "" || there == anywhere || there == here || of == at {
		return Obstacle{}, false
	}
	found := obstacles[there]
	found.Text = "the issuer " + issuer + " " + found.Text
	return found, true
}

// hostOf is the host of a URL in lower case, without its port and the root's dot.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// privateNames are the ends of names that only private networks use (RFC 6762, appendix G;
// RFC 8375; ICANN reserves internal).
var privateNames = []string{".local", ".internal", ".localdomain", ".lan", ".home.arpa", ".home", ".intranet", ".corp", ".private"}

func placeOf(host string) place {
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		shared := netip.MustParsePrefix("100.64.0.0/10") // of carriers (RFC 6598)
		switch {
		case address.IsLoopback(), address.IsUnspecified():
			return machine
		case address.IsPrivate(), address.IsLinkLocalUnicast(), shared.Contains(address):
			return network
		}
		return anywhere
	}
	ends := func(end string) bool { return strings.HasSuffix(host, end) }
	switch {
	case host == "":
		return anywhere
	case host == "localhost", ends(".localhost"):
		return machine
	case host == "kubernetes", strings.HasPrefix(host+".", "kubernetes.default."), ends(".svc"), ends(".cluster.local"), strings.Contains(host, ".svc."):
		return cluster
	case !strings.Contains(host, "."), slices.ContainsFunc(privateNames, ends):
		return network
	}
	return anywhere
}
