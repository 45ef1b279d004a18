// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// DefaultRelease is the Quay release that an empty [Config.Release] stands for.
const DefaultRelease = "3.18"

// release holds what differs between Quay releases as a client sees it
// (measured or read). Code asks these facts and never a version number.
type release struct {
	endpoint       bool   // the federation endpoint exists
	audiences      bool   // stored audiences are checked
	slashTolerant  bool   // discovery's issuer may differ from iss by a trailing slash
	typedClaims    bool   // sub, jti, kid and crit are refused by type (PyJWT 2.12 and later)
	userFederation bool   // the API has the federation of a user's own robots (3.17.2)
	bindings       bool   // the API stores audiences, and an entry's audiences are its own
	issuerMessage  string // what a differing discovery issuer is answered; {iss} and {disc} are replaced
}

var releases = map[string]release{
	"3.12":   {},
	"3.16.2": {endpoint: true, issuerMessage: "Invalid issuer"},
	"3.18": {
		endpoint: true, audiences: true, slashTolerant: true, typedClaims: true, userFederation: true,
		issuerMessage: "Issuer '{iss}' not in configured issuers: ['{disc}']",
	},
	"next": {
		endpoint: true, audiences: true, slashTolerant: true, typedClaims: true, userFederation: true, bindings: true,
		issuerMessage: "Issuer '{iss}' not in configured issuers: ['{disc}']",
	},
}

func factsOf(name string) (release, error) {
	facts, ok := releases[name]
	if !ok {
		known := slices.Sorted(maps.Keys(releases))
		return release{}, fmt.Errorf("release %q is unknown: one of %s", name, strings.Join(known, ", "))
	}
	return facts, nil
}

// sameIssuer says whether discovery's issuer is that of the token.
func (f release) sameIssuer(iss, discovered string) bool {
	if f.slashTolerant {
		return strings.TrimRight(iss, "/") == strings.TrimRight(discovered, "/")
	}
	return iss == discovered
}

func (f release) wrongIssuer(iss, discovered string) answer {
	return invalidToken(strings.NewReplacer("{iss}", iss, "{disc}", discovered).Replace(f.issuerMessage))
}
