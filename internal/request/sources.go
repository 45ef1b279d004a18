// SPDX-License-Identifier: Apache-2.0

package request

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/idtoken"
)

// SourceFlags configure the sources that need more than their name. No flag holds a
// secret, because every user of a machine can read command lines.
type SourceFlags struct {
	idtoken.Settings
	flags *pflag.FlagSet // nil for a credential helper, which has no command line
}

// sourceFlag is a flag with a text value, a path if its name says so.
type sourceFlag struct {
	name, initial, usage string
	value                *string
	choices              []string
}

// all is the one list of them. The helper's settings keep these by name (see Options).
func (f *SourceFlags) all() []sourceFlag {
	c := &f.Client
	flows := []string{string(idtoken.ClientCredentials), string(idtoken.Password), string(idtoken.Device), string(idtoken.Code)}
	kinds := []string{string(idtoken.IDTokenKind), string(idtoken.AccessToken), string(idtoken.Auto)}
	return []sourceFlag{
		{"oidc-issuer", "", "use the OIDC provider `URL` (OIDC_ISSUER_URL)", &c.Issuer, nil},
		{"oidc-client-id", "", "log in as the client `ID` (OIDC_CLIENT_ID)", &c.ID, nil},
		{"oidc-client-secret-file", "", "read the client's secret from the file `PATH`", &c.Secret.File, nil},
		{"oidc-client-secret-env", "", "read the client's secret from the variable `NAME` (OIDC_CLIENT_SECRET)", &c.Secret.Variable, nil},
		{"oidc-client-assertion-file", "", "send the JWT in the file `PATH`, not a secret", &c.Assertion.File, nil},
		{"oidc-flow", "", "log in with this `FLOW`: " + Alternatives(flows), (*string)(&c.Flow), flows},
		{"oidc-username", "", "log in as the user `NAME` (OIDC_USERNAME)", &c.Username, nil},
		{"oidc-password-file", "", "read the user's password from the file `PATH`", &c.Password.File, nil},
		{"oidc-password-env", "", "read the user's password from the variable `NAME` (OIDC_PASSWORD)", &c.Password.Variable, nil},
		{"oidc-scope", idtoken.UsualScope, "request these `SCOPES`; \"\" for none", &c.Scope, nil},
		{"oidc-audience", "", "request a token for this `AUDIENCE`", &c.Audience, nil},
		{"oidc-token", string(idtoken.Auto), "send this `TOKEN` to Quay: " + Alternatives(kinds), (*string)(&c.Kind), kinds},
		{"subject-claim", "", "use this `CLAIM` as Buildkite's subject (pipeline_id)", &f.SubjectClaim, nil},
	}
}

// addTo declares the flags.
func (f *SourceFlags) addTo(flags *pflag.FlagSet) {
	for _, flag := range f.all() {
		if flag.choices == nil {
			flags.StringVar(flag.value, flag.name, flag.initial, flag.usage)
			continue
		}
		*flag.value = flag.initial
		flags.Var(&Choice{flag.value, flag.choices}, flag.name, flag.usage)
	}
	flags.IntVar(&f.Client.Port, "oidc-redirect-port", 0, "listen on this `PORT` for the browser")
}

// lookup finds a flag of the command by name; nil if there is none.
func (f *SourceFlags) lookup(name string) *pflag.Flag {
	if f.flags == nil {
		return nil
	}
	return f.flags.Lookup(name)
}

// exclusive finds two flags of which only one can be used.
func (f *SourceFlags) exclusive(names ...string) error {
	var used []string
	for _, name := range names {
		if flag := f.lookup(name); flag != nil && flag.Value.String() != flag.DefValue {
			used = append(used, "--"+name)
		}
	}
	if len(used) > 1 {
		return fmt.Errorf("use %s or %s, not both", used[0], used[1])
	}
	return nil
}

// choose finds the source of that name and configures it.
func (f *SourceFlags) choose(env idtoken.Env, name string) (idtoken.Source, error) {
	name = f.named(name)
	settings := f.filled(name, env.Getenv)
	var err error
	switch {
	case name == "oidc" || name == "entra":
		err = f.checkClient(name, settings.Client)
	case f.Client.Issuer != "":
		err = fmt.Errorf("--oidc-issuer cannot be used with --id-token-source %s", name)
	case name == "auto" && f.oidcOnly() != "":
		err = fmt.Errorf("--%s needs an OIDC provider: add --oidc-issuer URL, or --id-token-source oidc with OIDC_ISSUER_URL", f.oidcOnly())
	}
	if err != nil {
		return idtoken.Source{}, &UsageError{Err: err}
	}
	return idtoken.Choose(env, name, settings)
}

// named is the source that the user chose: an issuer chooses oidc.
func (f *SourceFlags) named(source string) string {
	if source == "auto" && f.Client.Issuer != "" {
		return "oidc"
	}
	return source
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

// CheckAgain finds a login that a credential helper could not repeat, because it cannot
// ask a person.
func (f *SourceFlags) CheckAgain(source string, getenv func(string) string) error {
	if f.named(source) != "oidc" {
		return nil
	}
	switch client := f.filled("oidc", getenv).Client; {
	case client.Flow.Interactive():
		return fmt.Errorf("--credential-helper cannot be used with the flow %s: the helper needs a new ID token each time", client.Flow)
	case client.Flow == idtoken.Password && !client.Password.Named():
		return errors.New("--credential-helper needs the password each time: set --oidc-password-file or --oidc-password-env")
	}
	return nil
}

// Options are those that a credential helper will need, by name. Paths become absolute,
// because tools run in other folders. No secret is among them.
func (f *SourceFlags) Options(source string, getenv func(string) string) (map[string]string, error) {
	g := SourceFlags{Settings: f.filled(source, getenv)}
	options := map[string]string{}
	for _, flag := range g.all() {
		value, err := *flag.value, error(nil)
		if value == flag.initial {
			continue
		}
		if strings.HasSuffix(flag.name, "-file") {
			value, err = filepath.Abs(value)
		}
		if err != nil {
			return nil, err
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
