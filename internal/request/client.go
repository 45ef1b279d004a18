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

// usual are the variables that count if a flag is not set.
type usual struct{ issuer, id, secret, assertion, username, password string }

// usualOf are the variables of Red Hat's article, or those of Azure's own libraries.
func usualOf(source string) usual {
	if source == "entra" {
		return usual{issuer: "AZURE_TENANT_ID", id: "AZURE_CLIENT_ID", secret: "AZURE_CLIENT_SECRET", assertion: "AZURE_FEDERATED_TOKEN_FILE"}
	}
	return usual{issuer: "OIDC_ISSUER_URL", id: "OIDC_CLIENT_ID", secret: "OIDC_CLIENT_SECRET", username: "OIDC_USERNAME", password: "OIDC_PASSWORD"}
}

// filled adds what the usual variables of a source say. Flags win. It chooses the flow if
// only one is possible: with a flag for the client, a variable for the user does not choose it.
func (f *SourceFlags) filled(source string, getenv func(string) string) idtoken.Settings {
	settings, v := f.Settings, usualOf(source)
	if source != "oidc" && source != "entra" {
		return settings
	}
	c := &settings.Client
	asClient := c.Username == "" && !c.Password.Named() && c.Authenticates()
	c.ID = cmp.Or(c.ID, getenv(v.id))
	c.Username = cmp.Or(c.Username, getenv(v.username))
	if !c.Password.Named() && getenv(v.password) != "" {
		c.Password.Variable = v.password
	}
	if !c.Authenticates() && getenv(v.secret) != "" {
		c.Secret.Variable = v.secret
	}
	if !c.Authenticates() {
		c.Assertion.File = getenv(v.assertion)
	}
	if named := getenv(v.issuer); c.Issuer == "" && named != "" {
		c.Issuer = named
		if source == "entra" {
			authority := cmp.Or(getenv("AZURE_AUTHORITY_HOST"), "https://login.microsoftonline.com")
			c.Issuer = strings.TrimSuffix(authority, "/") + "/" + named + "/v2.0"
		}
	}
	switch {
	case source == "entra":
		c.Flow = idtoken.ClientCredentials
	case c.Flow != "":
	case c.Username != "" && !asClient:
		c.Flow = idtoken.Password
	case c.Authenticates():
		c.Flow = idtoken.ClientCredentials
	}
	return settings
}

// checkClient finds a client that cannot log in: a value is missing, or there are two of it.
func (f *SourceFlags) checkClient(source string, c idtoken.Client) error {
	const document = "/.well-known/openid-configuration"
	v := usualOf(source)
	switch {
	case c.Issuer == "":
		return fmt.Errorf("no OIDC provider: set --oidc-issuer or %s", v.issuer)
	case strings.HasSuffix(c.Issuer, document):
		return fmt.Errorf("issuer %q: leave out %s", c.Issuer, document)
	}
	err := cmp.Or(
		CheckIssuerURL(c.Issuer),
		checkVariable("oidc-client-secret-env", c.Secret.Variable),
		checkVariable("oidc-password-env", c.Password.Variable),
		f.exclusive("oidc-client-secret-file", "oidc-client-secret-env", "oidc-client-assertion-file"),
		f.exclusive("oidc-password-file", "oidc-password-env"),
	)
	switch {
	case err != nil:
		return err
	case source == "entra" && c.Audience != "":
		return errors.New("--oidc-audience cannot be used with --id-token-source entra: use --audience")
	case c.ID == "":
		return fmt.Errorf("no OIDC client: set --oidc-client-id or %s", v.id)
	case c.Flow == "":
		return errors.New("no OIDC flow: set a client secret or a user, or add --oidc-flow device or code")
	case c.Flow == idtoken.ClientCredentials && !c.Authenticates():
		return fmt.Errorf("the client needs a secret: set --oidc-client-secret-file, --oidc-client-assertion-file or %s", v.secret)
	case c.Flow == idtoken.Password && c.Username == "":
		return fmt.Errorf("the flow password needs a user: set --oidc-username or %s", v.username)
	}
	return nil
}

// CheckIssuerURL finds an issuer that Quay cannot accept.
func CheckIssuerURL(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.User != nil || u.RawQuery != "": // which may be secret
		return errors.New("issuer: write an https URL without a user or query")
	case u.Host == "" || u.Fragment != "":
		return fmt.Errorf("issuer %+q: write an https URL, such as https://token.actions.githubusercontent.com", issuer)
	case u.Scheme != "https":
		return fmt.Errorf("issuer %+q: Quay accepts only https issuers", issuer)
	}
	if err := ascii.Host(u.Host); err != nil {
		return fmt.Errorf("issuer %+q: in its host name, %w", issuer, err)
	}
	return nil
}
