// SPDX-License-Identifier: Apache-2.0

package quay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"quay-keyless/internal/sandbox/web"
)

// DefaultRelease is the Quay release of an empty Config.Release.
const DefaultRelease = "3.18"

// Release holds what differs between Quay releases as a client sees it
// (measured or read). Code asks these facts and never a version number.
type Release struct {
	Federation     bool   // the federation endpoint exists
	audiences      bool   // stored audiences are checked
	slashTolerant  bool   // discovery's issuer may differ from iss by a trailing slash
	typedClaims    bool   // sub, jti, kid and crit are refused by type (PyJWT 2.12 and later)
	UserFederation bool   // the API has the federation of a user's own robots (3.17.2)
	Bindings       bool   // the API stores audiences, each entry has its own; nbf is checked
	issuerMessage  string // what a differing discovery issuer is answered; {iss} and {disc} are replaced
}

var releases = map[string]Release{
	"3.12":   {},
	"3.16.2": {Federation: true, issuerMessage: "Invalid issuer"},
	"3.18": {
		Federation: true, audiences: true, slashTolerant: true, typedClaims: true, UserFederation: true,
		issuerMessage: "Issuer '{iss}' not in configured issuers: ['{disc}']",
	},
	"next": {
		Federation: true, audiences: true, slashTolerant: true, typedClaims: true, UserFederation: true, Bindings: true,
		issuerMessage: "Issuer '{iss}' not in configured issuers: ['{disc}']",
	},
}

// ReleaseOf returns the facts of a release.
func ReleaseOf(name string) (Release, error) {
	facts, ok := releases[name]
	if !ok {
		known := slices.Sorted(maps.Keys(releases))
		return Release{}, fmt.Errorf("release %q is unknown: one of %s", name, strings.Join(known, ", "))
	}
	return facts, nil
}

// sameIssuer says whether discovery's issuer is that of the token.
func (f Release) sameIssuer(iss, discovered string) bool {
	if f.slashTolerant {
		return strings.TrimRight(iss, "/") == strings.TrimRight(discovered, "/")
	}
	return iss == discovered
}

func (f Release) wrongIssuer(iss, discovered string) web.Answer {
	return invalidToken(strings.NewReplacer("{iss}", iss, "{disc}", discovered).Replace(f.issuerMessage))
}
