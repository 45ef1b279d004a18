// SPDX-License-Identifier: Apache-2.0

package request

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"quay-keyless/internal/errno"
	"quay-keyless/internal/idtoken"
)

// SourceFlags configure the sources that need more than their name. No flag holds a
// secret, because every user of a machine can read command lines.
type SourceFlags struct {
	issuer, clientID, flow, scope, audience, token string
	secretFile, secretEnv, assertionFile           string
	username, passwordFile, passwordEnv            string
	subjectClaim                                   string
	port                                           int
	flags                                          *pflag.FlagSet
}

// sourceFlag is a flag with a text value.
type sourceFlag struct {
	name, initial, usage string
	value                *string
	path                 bool
}

// usualScope asks for an ID token.
const usualScope = "openid"

// all is the one list of them. The helper's settings keep these by name (see Options).
func (f *SourceFlags) all() []sourceFlag {
	return []sourceFlag{
		{"oidc-issuer", "", "get the ID token from the OIDC provider at this `URL` (OIDC_ISSUER_URL)", &f.issuer, false},
		{"oidc-client-id", "", "`ID` of the client at the OIDC provider (OIDC_CLIENT_ID)", &f.clientID, false},
		{"oidc-client-secret-file", "", "read the client's secret from the file at `PATH`", &f.secretFile, true},
		{"oidc-client-secret-env", "", "read the client's secret from the variable `NAME` (OIDC_CLIENT_SECRET)", &f.secretEnv, false},
		{"oidc-client-assertion-file", "", "prove the client by the JWT in the file at `PATH`, in place of a secret", &f.assertionFile, true},
		{"oidc-flow", "", "`FLOW` of the login at the OIDC provider: client-credentials, password, device or code", &f.flow, false},
		{"oidc-username", "", "`NAME` of the user for the flow password (OIDC_USERNAME)", &f.username, false},
		{"oidc-password-file", "", "read the user's password from the file at `PATH`", &f.passwordFile, true},
		{"oidc-password-env", "", "read the user's password from the variable `NAME` (OIDC_PASSWORD)", &f.passwordEnv, false},
		{"oidc-scope", usualScope, "ask the OIDC provider for these `SCOPES`, with blanks between; \"\" for none", &f.scope, false},
		{"oidc-audience", "", "ask the OIDC provider for a token for this `AUDIENCE`, also as resource if it is a URI", &f.audience, false},
		{"oidc-token", string(idtoken.Auto), "the provider's `TOKEN` that goes to Quay: id_token, access_token or auto", &f.token, false},
		{"subject-claim", "", "`CLAIM` that Buildkite takes as the token's subject (pipeline_id)", &f.subjectClaim, false},
	}
}

// addTo declares the flags.
func (f *SourceFlags) addTo(flags *pflag.FlagSet) {
	for _, flag := range f.all() {
		flags.StringVar(flag.value, flag.name, flag.initial, flag.usage)
	}
	flags.IntVar(&f.port, "oidc-redirect-port", 0, "`PORT` of 127.0.0.1 that the browser comes back to in the flow code (any free one)")
	f.flags = flags
}

// lookup finds a flag of the command by name; nil if there is none.
func (f *SourceFlags) lookup(name string) *pflag.Flag {
	if f.flags == nil { // of a credential helper, which has no command line
		return nil
	}
	return f.flags.Lookup(name)
}

// patience is how long a login with a person in it may take, unless --timeout says
// otherwise.
const patience = 5 * time.Minute

// limit is --timeout, or longer while a person logs in.
func (f *SourceFlags) limit(timeout time.Duration) time.Duration {
	if idtoken.Flow(f.flow).Interactive() && f.flags != nil && !f.flags.Changed("timeout") {
		return patience
	}
	return timeout
}

// choose finds the source of that name and configures it.
func (f *SourceFlags) choose(env idtoken.Env, name string) (idtoken.Source, error) {
	switch {
	case f.issuer != "" && name == "auto":
		name = "oidc"
	case name == "auto" && f.oidcOnly() != "":
		return nil, &UsageError{Err: fmt.Errorf("--%s is for an OIDC provider, and none is named: --oidc-issuer URL, or --id-token-source oidc with OIDC_ISSUER_URL", f.oidcOnly())}
	case f.issuer != "" && name != "oidc" && name != "entra":
		return nil, &UsageError{Err: fmt.Errorf("--oidc-issuer is for --id-token-source oidc, not for %s", name)}
	}
	source, err := idtoken.Choose(env, name)
	var client idtoken.Client
	switch known := source.(type) {
	case idtoken.Buildkite:
		known.SubjectClaim = f.subjectClaim
		return known, nil
	case idtoken.AzureIdentity:
		known.ClientID = f.clientID
		return known, nil
	case idtoken.OIDC:
		if client, err = f.filled(env.Getenv).oidcClient(env, known.Name()); err != nil {
			return nil, &UsageError{Err: err}
		}
		known.Client = client
		if client.Flow.Interactive() {
			return known, nil
		}
		return idtoken.Renewing{OIDC: known}, nil
	case idtoken.Entra:
		if client, err = f.entraFilled(env.Getenv).entraClient(env); err != nil {
			return nil, &UsageError{Err: err}
		}
		known.Client = client
		return known, nil
	}
	return source, err
}

// oidcOnly returns a flag that only an OIDC provider needs, "" for none. Without this
// check the job would log in with its own ID token, which the user did not mean.
func (f *SourceFlags) oidcOnly() string {
	for _, flag := range f.all() {
		if strings.HasPrefix(flag.name, "oidc-") && *flag.value != flag.initial {
			return flag.name
		}
	}
	return ""
}

// filled adds what the variables of Red Hat's article say, and the flow if only one is
// possible. Flags win: with a flag for the client, a variable for the user does not
// choose the flow.
func (f *SourceFlags) filled(getenv func(string) string) *SourceFlags {
	g := *f
	client := f.username+f.passwordFile+f.passwordEnv == "" && f.secretFile+f.secretEnv+f.assertionFile != ""
	g.issuer = cmp.Or(g.issuer, getenv("OIDC_ISSUER_URL"))
	g.clientID = cmp.Or(g.clientID, getenv("OIDC_CLIENT_ID"))
	g.username = cmp.Or(g.username, getenv("OIDC_USERNAME"))
	g.secretEnv = usually(g.secretEnv, "OIDC_CLIENT_SECRET", getenv, g.secretFile, g.assertionFile)
	g.passwordEnv = usually(g.passwordEnv, "OIDC_PASSWORD", getenv, g.passwordFile)
	switch {
	case g.flow != "":
	case g.username != "" && !client:
		g.flow = string(idtoken.Password)
	case g.secretFile+g.secretEnv+g.assertionFile != "":
		g.flow = string(idtoken.ClientCredentials)
	}
	return &g
}

// usually is the usual variable of a secret, unless a flag names where it is.
func usually(named, usual string, getenv func(string) string, files ...string) string {
	if named == "" && strings.Join(files, "") == "" && getenv(usual) != "" {
		return usual
	}
	return named
}

// CheckAgain finds a login that a credential helper could not repeat, because it cannot
// ask a person.
func (f *SourceFlags) CheckAgain(source string, getenv func(string) string) error {
	if f.issuer == "" && source != "oidc" {
		return nil
	}
	g := f.filled(getenv)
	switch {
	case idtoken.Flow(g.flow).Interactive():
		return fmt.Errorf("--credential-helper needs an ID token that can be had again, and the flow %s needs a person each time", g.flow)
	case g.flow == string(idtoken.Password) && g.passwordFile+g.passwordEnv == "":
		return errors.New("--credential-helper needs a password that can be had again: --oidc-password-file PATH or --oidc-password-env NAME")
	}
	return nil
}

// Options are those that a credential helper will need, by name. Paths become absolute,
// because tools run in other folders. No secret is among them.
func (f *SourceFlags) Options(source string, getenv func(string) string) (map[string]string, error) {
	g := f
	switch source {
	case "oidc":
		g = f.filled(getenv)
	case "entra":
		g = f.entraFilled(getenv)
	}
	options := map[string]string{}
	for _, flag := range g.all() {
		value := *flag.value
		if value == flag.initial {
			continue
		}
		if flag.path {
			absolute, err := filepath.Abs(value)
			if err != nil {
				return nil, err
			}
			value = absolute
		}
		options[flag.name] = value
	}
	return options, nil
}

// SourceFlagsOf is the inverse of Options.
func SourceFlagsOf(options map[string]string) SourceFlags {
	var f SourceFlags
	for _, flag := range f.all() {
		value, set := options[flag.name]
		if *flag.value = flag.initial; set {
			*flag.value = value
		}
	}
	return f
}

// secretFrom returns a reader of the secret in a file or a variable; nil if neither is
// named.
func secretFrom(env idtoken.Env, source, what, file, variable string) func(context.Context) (idtoken.Secret, error) {
	if file+variable == "" {
		return nil
	}
	return func(context.Context) (idtoken.Secret, error) {
		text, where, err := env.Getenv(variable), "variable "+variable, error(nil)
		if file != "" {
			var content []byte
			content, err = env.ReadFile(file)
			text, where = strings.TrimRight(string(content), "\r\n"), "file "+file
		}
		if err != nil || text == "" {
			return idtoken.Secret{}, &idtoken.Error{Problem: idtoken.NoSecretThere, Source: source, Detail: "cannot be asked for: " + what + " is not in the " + where, Err: errno.WithoutPath(err)}
		}
		return env.Hidden(idtoken.NewSecret(text)), nil
	}
}
