// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// site is one registry with the ID token that is meant for it. All robots of
// the registry share it.
type site struct {
	quay    *quay.Client
	idToken *idtoken.Held
	source  idtoken.Source
	host    host.Host
}

// sites makes one site for each registry that the targets name, by its host.
// Nothing is asked yet.
func (a *app) sites(ctx context.Context, flags mintFlags, targets []target) (map[string]*site, error) {
	verified, registry, err := a.transports(ctx, flags)
	if err != nil {
		return nil, err
	}
	source, err := a.idTokenSource(ctx, flags.identityFlags, verified)
	if err != nil {
		return nil, err
	}
	sites := map[string]*site{}
	var shared *idtoken.Held // of a source that has one token for all
	for _, t := range targets {
		if sites[t.registry.Host] != nil {
			continue
		}
		s := a.newSite(flags, t, registry)
		s.identify(source, shared, t.audience)
		if !idtoken.ChoosesAudience(source) {
			shared = s.idToken
		}
		sites[t.registry.Host] = s
		a.warnOfChoices(flags, t.registry)
	}
	a.warnOfReplay(source, targets)
	return sites, nil
}

// newSite is a registry without an ID token as yet.
func (a *app) newSite(flags mintFlags, t target, transport http.RoundTripper) *site {
	return &site{
		quay: &quay.Client{Registry: t.registry, Endpoint: a.endpoint(flags.identityFlags, transport)},
		host: a.host,
	}
}

// identify gives a site the source of its ID token, or a held one to share.
func (s *site) identify(source idtoken.Source, shared *idtoken.Held, audience string) {
	s.source, s.idToken = source, shared
	if shared == nil {
		s.idToken = &idtoken.Held{Source: source, Audience: audience, Now: s.quay.Now, Got: s.host.Mask}
	}
}

// transports are the one for every endpoint, and the one for registries, whose
// certificates need not be verified.
func (a *app) transports(ctx context.Context, flags mintFlags) (verified, registry http.RoundTripper, err error) {
	config, err := trust(flags.caCertificate, a.env.reader(ctx))
	if err != nil {
		return nil, nil, &usageError{err: err}
	}
	verified = a.env.Transport(config)
	if flags.tlsVerify {
		return verified, verified, nil
	}
	return verified, a.env.Transport(unverified(config)), nil
}

// identify asks the job's source for an ID token, masks it, and contacts nobody else.
func (a *app) identify(ctx context.Context, flags identityFlags, audience string) (idtoken.Source, idtoken.Token, error) {
	config, err := trust(flags.caCertificate, a.env.reader(ctx))
	if err != nil {
		return nil, idtoken.Token{}, &usageError{err: err}
	}
	source, err := a.idTokenSource(ctx, flags, a.env.Transport(config))
	if err != nil {
		return nil, idtoken.Token{}, err
	}
	held := &idtoken.Held{Source: source, Audience: audience, Now: a.env.Clock.Now, Got: a.host.Mask}
	token, err := held.IDToken(ctx)
	return source, token, err
}

// idTokenSource is where the ID token comes from; platforms' own servers are
// asked over this transport.
func (a *app) idTokenSource(ctx context.Context, flags identityFlags, verified http.RoundTripper) (idtoken.Source, error) {
	return flags.chooseSource(a.idTokenEnv(ctx, flags, verified))
}

// idTokenEnv is what sources may look at and ask for.
func (a *app) idTokenEnv(ctx context.Context, flags identityFlags, verified http.RoundTripper) idtoken.Env {
	env := idtoken.Env{
		Getenv:   a.env.Getenv,
		Stdin:    a.env.Stdin,
		ReadFile: a.env.reader(ctx),
		Endpoint: a.endpoint(flags, verified),
		Direct:   a.endpoint(flags, direct(verified)),
		Say:      a.host.Notice,
		Browse:   func(context.Context, string) {},
		Ask: func(ctx context.Context, question string) (idtoken.Secret, error) {
			password, err := ask(ctx, a.env, question)
			a.secrets.Add(password)
			return password, err
		},
		Hide: a.secrets.Add,
	}
	if a.env.Browse != nil {
		env.Browse = a.env.Browse
	}
	return env
}

// direct is a transport without a proxy.
func direct(transport http.RoundTripper) http.RoundTripper {
	if t, ok := transport.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy = nil
		return t
	}
	return transport
}

// unverified is for registries alone, where the user chose so.
func unverified(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.InsecureSkipVerify = true //nolint:gosec // --tls-verify=false, said in a warning
	return config
}

func (a *app) endpoint(flags identityFlags, transport http.RoundTripper) *endpoint.Client {
	say := a.host
	client := &endpoint.Client{
		Transport: transport,
		Clock:     a.env.Clock,
		UserAgent: strings.TrimSpace("quay-keyless/" + a.env.Version),
		Retrying: func(r endpoint.Retry) {
			say.Notice(fmt.Sprintf("%s: %v; trying again in %s (%d of %d)",
				r.Name, r.Err, r.Wait.Round(100*time.Millisecond), r.Attempt, r.Of))
		},
	}
	if flags.verbose {
		client.Asked = func(asked endpoint.Attempt) { say.Notice(verbosely(asked)) }
	}
	return client
}

// verbosely says what was asked of whom, what came and how long it took.
func verbosely(asked endpoint.Attempt) string {
	came := fmt.Sprintf("HTTP %d", asked.Status)
	if asked.Err != nil {
		came = asked.Err.Error()
	}
	return fmt.Sprintf("asked %s (%s): %s in %s", asked.Name, asked.URL, came, asked.Elapsed.Round(time.Millisecond))
}

// warnOfChoices says what the user's choices mean for a registry.
func (a *app) warnOfChoices(flags mintFlags, registry quay.Registry) {
	if registry.PlainHTTP {
		a.host.Warn(host.Message{Text: fmt.Sprintf("http: the ID token and the robot token travel to %s readable for everybody on the way", registry.Host)})
	}
	if !flags.tlsVerify && !registry.PlainHTTP {
		a.host.Warn(host.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anybody on the way can take the login", registry.Host)})
	}
}

// warnOfReplay tells of registries that could use each other's ID token: it is
// the audience that keeps a token from being shown elsewhere.
func (a *app) warnOfReplay(source idtoken.Source, targets []target) {
	first := map[string]string{}
	for _, t := range targets {
		audience, hint := t.audience, fmt.Sprintf("--audience %s=AUDIENCE, with that audience in the federation entry there", t.registry.Host)
		if !idtoken.ChoosesAudience(source) {
			audience, hint = "", "log in to each in a step or job with an ID token of its own"
		}
		other, ok := first[audience]
		if ok && other != t.registry.Host {
			a.host.Warn(host.Message{
				Text:  fmt.Sprintf("%s and %s get ID tokens with the same audience: each could show its own to the other", other, t.registry.Host),
				Hints: []string{hint},
			})
		}
		if !ok {
			first[audience] = t.registry.Host
		}
	}
}
