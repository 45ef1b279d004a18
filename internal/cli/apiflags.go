// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// apiTokenVariable holds the API token. There is no flag for the token itself:
// every user of a machine can read other programs' arguments.
const apiTokenVariable = "QUAY_API_TOKEN"

// apiFlags is what the commands that manage Quay can be told alike.
type apiFlags struct {
	identityFlags // of which those on ID tokens are not everywhere
	robot         string
	apiTokenFile  string
	tlsVerify     bool
}

// addTo declares the flags, but for those of the identity.
func (f *apiFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.robot, "robot", "", "robot account, `[HOST/]ORG+NAME`")
	flags.StringVar(&f.apiTokenFile, "api-token-file", "", "read the token for Quay's API from the file at `PATH`, in place of "+apiTokenVariable)
	flags.BoolVar(&f.tlsVerify, "tls-verify", true, "verify the registry's certificate")
}

// target is the robot that the user named, at the registry that goes with it.
func (f *apiFlags) target(registry string) (target, error) {
	flags := mintFlags{identityFlags: f.identityFlags, tlsVerify: f.tlsVerify}
	if f.robot != "" {
		flags.robots = []string{f.robot}
	}
	targets, err := flags.targets(registry)
	if err != nil {
		return target{}, err
	}
	return targets[0], nil
}

// apiToken reads the token for Quay's API from the file, or from QUAY_API_TOKEN,
// and has it masked. It is empty where neither is there.
func (a *app) apiToken(ctx context.Context, file string) (idtoken.Secret, error) {
	text, from := a.env.Getenv(apiTokenVariable), "the variable "+apiTokenVariable
	if file != "" {
		read, err := a.env.ReadFile(ctx, file)
		if err != nil {
			return idtoken.Secret{}, fmt.Errorf("reading the API token: %w", err)
		}
		if text, from = string(read), "the file "+file; strings.TrimSpace(text) == "" {
			return idtoken.Secret{}, fmt.Errorf("reading the API token: %s is empty", from)
		}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return idtoken.Secret{}, nil
	}
	token := idtoken.NewSecret(text)
	a.host.Mask(token)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return idtoken.Secret{}, fmt.Errorf("%s holds no API token: it has white space or other odd characters in it", from)
	}
	return token, nil
}

// errNoAPIToken is a command that cannot do without the API and has no token.
var errNoAPIToken = errors.New("no token for Quay's API: set " + apiTokenVariable + " or name a file with --api-token-file")

// management is everything that the management commands share: the API with its
// token, and the robot that they are about. Nothing is asked yet.
func (a *app) management(ctx context.Context, flags apiFlags, t target) (*quay.API, error) {
	token, err := a.apiToken(ctx, flags.apiTokenFile)
	if err != nil {
		return nil, &usageError{err: err}
	}
	if token.Empty() {
		return nil, &usageError{err: errNoAPIToken}
	}
	config, err := trust(flags.caCertificate, a.env.reader(ctx))
	if err != nil {
		return nil, &usageError{err: err}
	}
	if !flags.tlsVerify {
		config = unverified(config)
	}
	a.warnOfAPI(flags.tlsVerify, t.registry)
	client := &quay.Client{Registry: t.registry, Endpoint: a.endpoint(flags.identityFlags, a.env.Transport(config))}
	return quay.NewAPI(client, token), nil
}

// warnOfAPI says what the user's choices mean for the API token.
func (a *app) warnOfAPI(tlsVerify bool, registry quay.Registry) {
	switch {
	case registry.PlainHTTP:
		a.host.Warn(host.Message{Text: fmt.Sprintf("http: the API token travels to %s readable for everybody on the way", registry.Host)})
	case !tlsVerify:
		a.host.Warn(host.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anybody on the way can take the API token", registry.Host)})
	}
}

// managing runs something that needs Quay's API, with the deadline and the signals
// of a command.
func (a *app) managing(ctx context.Context, flags apiFlags, t target, run func(context.Context, *quay.API) error) error {
	ctx, stop := a.env.Interruptible(ctx)
	defer stop()
	ctx, cancel := flags.deadline(ctx)
	defer cancel()
	api, err := a.management(ctx, flags, t)
	if err != nil {
		return err
	}
	return run(ctx, api)
}

// addTransportTo declares those of the identity's flags that every request
// needs, for commands without an ID token.
func (f *apiFlags) addTransportTo(flags *pflag.FlagSet) {
	identity := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.identityFlags.addTo(identity)
	for _, name := range []string{"ca-certificate", "timeout", "verbose"} {
		flags.AddFlag(identity.Lookup(name))
	}
	f.sources.flags = flags
}
