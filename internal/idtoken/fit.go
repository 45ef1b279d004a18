// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// graph are the audiences of Microsoft Graph, by name and by id.
var graph = []string{"https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"}

// harmful finds tokens that are no ID tokens, and that are worth more elsewhere
// than to Quay, so that they never leave. Of what is merely unknown Quay has the
// word.
func harmful(source string, token Secret, claims Claims) error {
	header, payload, _ := strings.Cut(token.Reveal(), ".")
	payload, _, _ = strings.Cut(payload, ".")
	kind := strings.ToLower(text(member(payload, "typ")))
	switch {
	case kind == "refresh" || kind == "offline": // Keycloak's
		return &Error{Problem: RefreshToken, Source: source}
	case slices.ContainsFunc(claims.Audience, func(a string) bool { return slices.Contains(graph, a) }),
		strings.Contains(claims.Issuer, "sts.windows.net") && member(header, "nonce") != nil:
		return &Error{Problem: GraphToken, Source: source}
	}
	return nil
}

// member is one member of a JWT's segment, nil where it has none.
func member(segment, name string) json.RawMessage {
	decoded, err := base64.RawURLEncoding.DecodeString(segment)
	var members map[string]json.RawMessage
	if err != nil || json.Unmarshal(decoded, &members) != nil || bytes.Equal(members[name], []byte("null")) {
		return nil
	}
	return members[name]
}

// fit finds what Quay cannot verify, in a token whose provider can be told to
// make another one (measured).
func fit(source string, token Secret) error {
	claims, err := ParseClaims(token)
	switch {
	case err != nil:
		return err
	case claims.Algorithm != "RS256" && claims.Algorithm != "RS384":
		return &Error{Problem: WrongAlgorithm, Source: source, Detail: "is signed with " + claims.Algorithm + ", and Quay takes RS256 and RS384 only"}
	case claims.KeyID == "":
		return &Error{Problem: NoKeyID, Source: source}
	}
	return nil
}
