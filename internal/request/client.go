// SPDX-License-Identifier: Apache-2.0

package request

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"quay-keyless/internal/ascii"
	"quay-keyless/internal/idtoken"
)

// filled adds what the variables of Red Hat's article say, and those of Azure's own libraries.
// Flags win.
func (f *SourceFlags) filled(source string, getenv func(string) string) idtoken.Settings {
	settings := f.Settings
	switch c := &settings.Client; source {
	case "oidc":
		fill(c, getenv)
	case "entra":
		if tenant := getenv("AZURE_TENANT_ID"); c.Issuer == "" && tenant != "" {
			authority := cmp.Or(getenv("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com")
			c.Issuer = strings.TrimSuffix(authority, "/") + "/" + tenant + "/v2.0"
		}
		c.ID = cmp.Or(c.ID, getenv("AZURE_CLIENT_ID"))
		if !c.Assertion.Named() {
			c.Secret = usual(c.Secret, "AZURE_CLIENT_SECRET", getenv)
		}
		if !c.Secret.Named() {
			c.Assertion.File = cmp.Or(c.Assertion.File, getenv("AZURE_FEDERATED_TOKEN_FILE"))
		}
	}
	return settings
}

// fill also chooses the flow if only one is possible. With a flag for the client, a variable
// for the user does not choose it.
func fill(c *idtoken.Client, getenv func(string) string) {
	asClient := c.Username == "" && !c.Password.Named() && (c.Secret.Named() || c.Assertion.Named())
	c.Issuer = cmp.Or(c.Issuer, getenv("OIDC_ISSUER_URL"))
	c.ID = cmp.Or(c.ID, getenv("OIDC_CLIENT_ID"))
	c.Username = cmp.Or(c.Username, getenv("OIDC_USERNAME"))
	c.Password = usual(c.Password, "OIDC_PASSWORD", getenv)
	if !c.Assertion.Named() {
		c.Secret = usual(c.Secret, "OIDC_CLIENT_SECRET", getenv)
	}
	switch {
	case c.Flow != "":
	case c.Username != "" && !asClient:
		c.Flow = idtoken.Password
	case c.Secret.Named() || c.Assertion.Named():
		c.Flow = idtoken.ClientCredentials
	}
}

// usual is the place of a secret: the usual variable, unless a flag names another place.
func usual(place idtoken.Place, variable string, getenv func(string) string) idtoken.Place {
	if !place.Named() && getenv(variable) != "" {
		place.Variable = variable
	}
	return place
}

// checkClient finds a client that cannot log in.
func (f *SourceFlags) checkClient(c idtoken.Client) error {
	if c.Issuer == "" {
		return errors.New("no OIDC provider: name one with --oidc-issuer URL or OIDC_ISSUER_URL")
	}
	err := f.checkSources(c)
	switch {
	case err != nil:
		return err
	case c.ID == "":
		return errors.New("no OIDC client: name one with --oidc-client-id ID or OIDC_CLIENT_ID")
	case c.Flow == "":
		return errors.New("no flow: name a client secret or a user, or choose with --oidc-flow device or code")
	case c.Flow == idtoken.ClientCredentials && !c.Secret.Named() && !c.Assertion.Named():
		return errors.New("the flow client-credentials needs --oidc-client-secret-file, --oidc-client-secret-env or --oidc-client-assertion-file")
	case c.Flow == idtoken.Password && c.Username == "":
		return errors.New("the flow password needs --oidc-username or OIDC_USERNAME")
	}
	return nil
}

// checkEntra finds an Entra application that cannot log in.
func (f *SourceFlags) checkEntra(c idtoken.Client) error {
	switch {
	case c.Issuer == "":
		return errors.New("no Entra tenant: set AZURE_TENANT_ID")
	case c.Audience != "":
		return errors.New("--oidc-audience is not for --id-token-source entra: name the application with --audience")
	case c.ID == "":
		return errors.New("no Entra application: name one with --oidc-client-id ID or AZURE_CLIENT_ID")
	case !c.Secret.Named() && !c.Assertion.Named():
		return errors.New("the Entra application needs --oidc-client-secret-file, AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE")
	}
	return f.checkSources(c)
}

// checkSources finds a bad issuer, and secrets that are named twice or in clear.
func (f *SourceFlags) checkSources(c idtoken.Client) error {
	if document := "/.well-known/openid-configuration"; strings.HasSuffix(c.Issuer, document) {
		return fmt.Errorf("issuer %q: leave out %s", c.Issuer, document)
	}
	return cmp.Or(
		CheckIssuerURL(c.Issuer),
		checkVariable("oidc-client-secret-env", c.Secret.Variable),
		checkVariable("oidc-password-env", c.Password.Variable),
		f.exclusive("oidc-client-secret-file", "oidc-client-secret-env", "oidc-client-assertion-file"),
		f.exclusive("oidc-password-file", "oidc-password-env"),
	)
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
