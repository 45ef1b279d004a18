// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"quay-keyless/internal/ascii"
)

// AzureIdentity is the managed identity of a machine in Azure, from its metadata server
// (IMDS). Every machine there answers, so the user must choose it.
type AzureIdentity struct {
	chosen
	chooser
	Env Env
	// ClientID chooses among several identities; "" for the only one.
	ClientID string
}

// Name is azure-identity.
func (AzureIdentity) Name() string { return "azure-identity" }

// IDToken asks for an access token for the App ID URI that is the audience
// (learn.microsoft.com, How to use managed identities on a VM to acquire an access
// token). It never uses a proxy. Plain http is fine: the server is on this machine's own
// link and has no other.
func (a AzureIdentity) IDToken(ctx context.Context, audience string) (Token, error) {
	if err := wantResource(a.Name(), audience); err != nil {
		return Token{}, err
	}
	u, err := url.Parse(cmp.Or(a.Env.Getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "http://169.254.169.254"))
	if err != nil || u.Host == "" || ascii.Host(u.Host) != nil {
		return Token{}, &Error{Problem: Unreadable, Source: a.Name(), Detail: "cannot be asked for: AZURE_POD_IDENTITY_AUTHORITY_HOST is not a URL with an ASCII host name"}
	}
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {audience}}
	if id := cmp.Or(a.ClientID, a.Env.Getenv("AZURE_CLIENT_ID")); id != "" {
		query.Set("client_id", id)
	}
	u.Path = cmp.Or(u.Path, "/") // without one JoinPath makes a relative URL
	u = u.JoinPath("metadata", "identity", "oauth2", "token")
	u.RawQuery = query.Encode()
	token, err := question{a.Env.Direct, a.Name(), "Azure's metadata server", u, http.Header{"Metadata": {"true"}}, nil}.token(ctx, "access_token")
	if err != nil {
		return Token{}, err
	}
	return token, fit(a.Name(), token.Claims)
}
