// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"strings"
)

// Entra is an application of Microsoft Entra ID: an [OIDC] client with client
// credentials (a secret or a federated assertion) that gets an access token for the App
// ID URI in the audience. Client.Issuer is the tenant's v2 issuer. The token's own
// issuer is v1 or v2, by the manifest of the App ID URI's application
// (requestedAccessTokenVersion).
type Entra struct {
	chosen
	chooser
	Env    Env
	Client Client
}

// Name is entra.
func (Entra) Name() string { return "entra" }

// IDToken asks for a token with the scope AUDIENCE/.default, unless the user
// wants another scope.
func (e Entra) IDToken(ctx context.Context, audience string) (Token, error) {
	client := e.Client
	client.Flow, client.Kind, client.Audience = ClientCredentials, AccessToken, "" // which is in the scope
	if client.Scope == "" {
		if err := wantResource(e.Name(), audience); err != nil {
			return Token{}, err
		}
		client.Scope = audience + "/.default"
	}
	return OIDC{Env: e.Env, Client: client, as: e.Name()}.IDToken(ctx, audience)
}

// isGUID reports whether text is the other form of an application's name in Entra: 32
// hexadecimal digits in five groups.
func isGUID(text string) bool {
	groups := strings.Split(text, "-")
	for i, group := range groups {
		if len(groups) != 5 || len(group) != []int{8, 4, 4, 4, 12}[i] || strings.Trim(group, "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return true
}

// wantResource finds an audience that is not an application in Entra ID, such as Quay's
// default.
func wantResource(source, audience string) error {
	if strings.Contains(audience, "://") || isGUID(audience) {
		return nil
	}
	return &Error{Problem: NoResource, Source: source}
}
