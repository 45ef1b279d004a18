// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"slices"
	"strings"
)

// graph are the audiences of Microsoft Graph, by name and by id.
var graph = []string{"https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"}

// harmful finds refresh tokens and tokens for Microsoft Graph. No source sends them,
// because they open more than Quay. Quay decides about everything else.
func harmful(source string, claims Claims) error {
	switch {
	case claims.kind == "refresh" || claims.kind == "offline": // Keycloak's
		return &Error{Problem: RefreshToken, Source: source}
	case slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(graph, a) }),
		strings.Contains(claims.Issuer, "sts.windows.net") && claims.headerNonce:
		return &Error{Problem: GraphToken, Source: source}
	}
	return nil
}

// KnownAlgorithm reports whether Quay verifies signatures of this kind.
func (c Claims) KnownAlgorithm() bool { return c.Algorithm == "RS256" || c.Algorithm == "RS384" }

// fit finds what Quay cannot verify, in a token of a provider that the user can
// configure.
func fit(source string, claims Claims) error {
	switch {
	case !claims.KnownAlgorithm():
		return &Error{Problem: WrongAlgorithm, Source: source, Detail: "is signed with " + claims.Algorithm + ", and Quay takes RS256 and RS384 only"}
	case claims.KeyID == "":
		return &Error{Problem: NoKeyID, Source: source}
	}
	return nil
}
