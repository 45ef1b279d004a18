// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"quay-keyless/internal/ascii"
)

// The variables of an Azure Pipelines job. The agent sets the first; the second is a secret
// that each step must map into its environment itself (learn.microsoft.com, Azure DevOps,
// release notes of sprint 240).
const (
	azureRequestURI  = "SYSTEM_OIDCREQUESTURI"
	azureAccessToken = "SYSTEM_ACCESSTOKEN"
)

// azurePipelines asks the job's endpoint. The audience is always api://AzureADTokenExchange.
// Without a service connection the subject is p://ORG/PROJECT/PIPELINE.
func (e Env) azurePipelines(ctx context.Context, _ string) (Token, error) {
	bearer, at := e.hidden(e.Getenv(azureAccessToken)), e.Getenv(azureRequestURI)
	switch {
	case at == "":
		return Token{}, missing(NoAzureEndpoint, "the agent does not set "+azureRequestURI)
	case bearer.Empty():
		return Token{}, missing(NoAzureToken, azureAccessToken+" is not set in this step")
	}
	u, err := address(azureRequestURI, at, url.Values{"api-version": {"7.1"}})
	if err != nil {
		return Token{}, err
	}
	return question{e.Endpoint, "Azure Pipelines' ID token endpoint", u, http.Header{
		"Authorization": {"Bearer " + bearer.Reveal()}, "Accept": {"application/json"}, "Content-Type": {"application/json"},
		"X-Tfs-Fedauthredirect": {"Suppress"}, // a 401 instead of a sign-in page
	}, []byte{}}.token(ctx, "oidcToken")
}

// azureIdentity asks the metadata server of a machine in Azure for an access token of its managed
// identity, for the App ID URI that is the audience (learn.microsoft.com, How to use managed
// identities on a VM to acquire an access token). The server is on this machine's own link, so it
// has no https and needs no proxy.
func (e Env) azureIdentity(ctx context.Context, clientID, audience string) (Token, error) {
	if err := wantResource(audience); err != nil {
		return Token{}, err
	}
	const variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
	u, err := url.Parse(cmp.Or(e.Getenv(variable), "http://169.254.169.254"))
	if err != nil || u.Host == "" || ascii.Host(u.Host) != nil {
		return Token{}, missing(Unreadable, "%s is not a URL with an ASCII host name", variable)
	}
	query := url.Values{"api-version": {"2018-02-01"}, "resource": {audience}}
	if id := cmp.Or(clientID, e.Getenv("AZURE_CLIENT_ID")); id != "" {
		query.Set("client_id", id)
	}
	u.Path = cmp.Or(u.Path, "/") // without one JoinPath makes a relative URL
	u = u.JoinPath("metadata", "identity", "oauth2", "token")
	u.RawQuery = query.Encode()
	token, err := question{e.Direct, "Azure's metadata server", u, http.Header{"Metadata": {"true"}}, nil}.token(ctx, "access_token")
	if err == nil {
		err = fit(token.Claims)
	}
	return token, err
}

// entraToken gets an access token as an application of Microsoft Entra ID, with client
// credentials. Client.Issuer is the tenant's v2 issuer. The token's own issuer is v1 or v2, by
// the manifest of the audience's application (requestedAccessTokenVersion).
func (o OIDC) entraToken(ctx context.Context, audience string) (Token, error) {
	o.entra = true
	o.Client.Flow, o.Client.Kind, o.Client.Audience = ClientCredentials, AccessToken, "" // which is in the scope
	if o.Client.Scope == "" || o.Client.Scope == UsualScope {
		if err := wantResource(audience); err != nil {
			return Token{}, err
		}
		o.Client.Scope = audience + "/.default"
	}
	return o.IDToken(ctx, audience)
}

// wantResource finds an audience that is not an application in Entra ID: a URI or a GUID.
func wantResource(audience string) error {
	guid, err := regexp.MatchString(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`, audience)
	if guid && err == nil || strings.Contains(audience, "://") {
		return nil
	}
	return missing(NoResource, "the audience is not an App ID URI")
}
