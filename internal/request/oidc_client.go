// SPDX-License-Identifier: Apache-2.0

package request

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/idtoken"
)

// oidcClient makes the client that the flags describe, once they are filled.
func (f *SourceFlags) oidcClient(env idtoken.Env, source string) (idtoken.Client, error) {
	if err := errors.Join(f.checkIssuer(), f.checkSecrets()); err != nil {
		return idtoken.Client{}, err
	}
	client := idtoken.Client{
		Issuer: f.issuer, ID: f.clientID, Flow: idtoken.Flow(f.flow), Scope: f.scope, Audience: f.audience, Kind: idtoken.Kind(f.token), Port: f.port,
		Username:  f.username,
		Secret:    secretFrom(env, source, "the client's secret", f.secretFile, f.secretEnv),
		Assertion: secretFrom(env, source, "the client's assertion", f.assertionFile, ""),
		Password:  secretFrom(env, source, "the user's password", f.passwordFile, f.passwordEnv),
	}
	return client, f.checkFlow(client)
}

// checkIssuer finds a bad issuer or a missing client.
func (f *SourceFlags) checkIssuer() error {
	if f.issuer == "" {
		return errors.New("no OIDC provider: name one with --oidc-issuer URL or OIDC_ISSUER_URL")
	}
	if err := CheckIssuerURL(f.issuer); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(f.issuer, "/.well-known/openid-configuration"):
		return fmt.Errorf("issuer %q: leave out /.well-known/openid-configuration", f.issuer)
	case f.clientID == "":
		return errors.New("no OIDC client: name one with --oidc-client-id ID or OIDC_CLIENT_ID")
	}
	return nil
}

// CheckIssuerURL finds an issuer that Quay cannot accept.
func CheckIssuerURL(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.User != nil || u.RawQuery != "": // which may be secret
		return errors.New("issuer: write an https URL without a user and a query")
	case u.Host == "" || u.Fragment != "":
		return fmt.Errorf("issuer %+q: write an https URL, as https://token.actions.githubusercontent.com", issuer)
	case u.Scheme != "https":
		return fmt.Errorf("issuer %+q: Quay accepts https issuers only", issuer)
	}
	if err := ascii.Host(u.Host); err != nil {
		return fmt.Errorf("issuer %+q: in its host name, %w", issuer, err)
	}
	return nil
}

// checkSecrets finds secrets that are named twice.
func (f *SourceFlags) checkSecrets() error {
	for _, flag := range [][2]string{{"oidc-client-secret-env", f.secretEnv}, {"oidc-password-env", f.passwordEnv}} {
		if flag[1] != "" && !variableName.MatchString(flag[1]) {
			return fmt.Errorf("--%s wants a variable's name, not its value", flag[0])
		}
	}
	var proofs []string
	for _, flag := range [][2]string{{"--oidc-client-secret-file", f.secretFile}, {"--oidc-client-secret-env", f.secretEnv}, {"--oidc-client-assertion-file", f.assertionFile}} {
		if flag[1] != "" {
			proofs = append(proofs, flag[0])
		}
	}
	switch {
	case len(proofs) > 1:
		return fmt.Errorf("the client proves itself by %s or %s, not by both", proofs[0], proofs[1])
	case f.passwordFile != "" && f.passwordEnv != "":
		return errors.New("the password comes from --oidc-password-file or --oidc-password-env, not from both")
	case !slices.Contains(idtoken.Kinds, idtoken.Kind(f.token)):
		return fmt.Errorf("--oidc-token %q: it is id_token, access_token or auto", f.token)
	}
	return nil
}

// checkFlow finds a flow that lacks what it needs.
func (f *SourceFlags) checkFlow(client idtoken.Client) error {
	switch {
	case f.flow == "":
		return errors.New("no flow: name a client secret or a user, or choose with --oidc-flow device or code")
	case !slices.Contains(idtoken.Flows, client.Flow):
		return fmt.Errorf("--oidc-flow %q: it is client-credentials, password, device or code", f.flow)
	case client.Flow == idtoken.ClientCredentials && client.Secret == nil && client.Assertion == nil:
		return errors.New("the flow client-credentials needs --oidc-client-secret-file, --oidc-client-secret-env or --oidc-client-assertion-file")
	case client.Flow == idtoken.Password && client.Username == "":
		return errors.New("the flow password needs --oidc-username or OIDC_USERNAME")
	}
	return nil
}

// entraFilled adds what the variables of Azure's own libraries say. Flags win.
func (f *SourceFlags) entraFilled(getenv func(string) string) *SourceFlags {
	g := *f
	if tenant := getenv("AZURE_TENANT_ID"); g.issuer == "" && tenant != "" {
		g.issuer = strings.TrimSuffix(cmp.Or(getenv("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com"), "/") + "/" + tenant + "/v2.0"
	}
	g.clientID = cmp.Or(g.clientID, getenv("AZURE_CLIENT_ID"))
	g.secretEnv = usually(g.secretEnv, "AZURE_CLIENT_SECRET", getenv, g.secretFile, g.assertionFile)
	if g.secretFile+g.secretEnv == "" {
		g.assertionFile = cmp.Or(g.assertionFile, getenv("AZURE_FEDERATED_TOKEN_FILE"))
	}
	g.flow, g.token = string(idtoken.ClientCredentials), string(idtoken.AccessToken)
	return &g
}

// entraClient makes the client for an Entra application, once the flags are filled.
func (f *SourceFlags) entraClient(env idtoken.Env) (idtoken.Client, error) {
	switch {
	case f.issuer == "":
		return idtoken.Client{}, errors.New("no Entra tenant: set AZURE_TENANT_ID")
	case f.audience != "":
		return idtoken.Client{}, errors.New("--oidc-audience is not for --id-token-source entra: name the application with --audience")
	case f.clientID == "":
		return idtoken.Client{}, errors.New("no Entra application: name one with --oidc-client-id ID or AZURE_CLIENT_ID")
	case f.secretFile+f.secretEnv+f.assertionFile == "":
		return idtoken.Client{}, errors.New("the Entra application needs --oidc-client-secret-file, AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE")
	}
	client, err := f.oidcClient(env, idtoken.Entra{}.Name())
	if f.scope == usualScope { // Entra's own is made of the audience
		client.Scope = ""
	}
	return client, err
}
