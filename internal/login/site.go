// SPDX-License-Identifier: Apache-2.0

package login

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// Site is one registry and the ID token for it, shared by all robots of the registry.
type Site struct {
	Quay      *quay.Client
	IDToken   *idtoken.Held
	Challenge quay.Challenge // of the ping
	Claims    idtoken.Claims
	host      platform.Platform
}

// sites makes one site for each registry, by host, which is opened when it is asked for. It
// contacts nothing.
func sites(ctx context.Context, run *process.Run, flags request.ExchangeFlags, targets []request.Target) (map[string]func() (*Site, error), error) {
	verified, registry, err := Transports(ctx, run, flags.IdentityFlags, flags.TLSVerify)
	if err != nil {
		return nil, err
	}
	source, err := Source(ctx, run, flags.IdentityFlags, verified)
	if err != nil {
		return nil, err
	}
	sites := map[string]func() (*Site, error){}
	var shared *idtoken.Held // if the source has only one token
	for _, t := range targets {
		if sites[t.Registry.Host] != nil {
			continue
		}
		s := NewSite(run, flags, t, registry)
		if s.IDToken = shared; shared == nil {
			s.Identify(source, t.Audience)
		}
		if !source.ChoosesAudience {
			shared = s.IDToken
		}
		sites[t.Registry.Host] = sync.OnceValues(func() (*Site, error) { return s, s.open(ctx) })
		WarnOfChoices(run, flags, t.Registry)
	}
	warnOfReplay(run, source, targets)
	return sites, nil
}

// NewSite is a registry that has no ID token yet.
func NewSite(run *process.Run, flags request.ExchangeFlags, t request.Target, transport http.RoundTripper) *Site {
	return &Site{Quay: &quay.Client{Registry: t.Registry, Endpoint: Endpoint(run, flags.IdentityFlags, transport)}, host: run.Platform}
}

// Identify gives a site the source of its ID token.
func (s *Site) Identify(source idtoken.Source, audience string) {
	s.IDToken = &idtoken.Held{Source: source, Audience: audience, Now: s.Quay.Now, Got: s.host.Mask}
}

// Transports are the one for every endpoint, and the one for registries, which may skip
// verifying certificates.
func Transports(ctx context.Context, run *process.Run, flags request.IdentityFlags, verify bool) (verified, registry http.RoundTripper, err error) {
	config, err := request.TLSConfig(flags.CaCertificate, run.Env.Reader(ctx))
	if err != nil {
		return nil, nil, &request.UsageError{Err: err}
	}
	verified = run.Env.Transport(config)
	if verify {
		return verified, verified, nil
	}
	config = config.Clone()
	config.InsecureSkipVerify = true //nolint:gosec // --tls-verify=false, said in a warning
	return verified, run.Env.Transport(config), nil
}

// Identify gets the job's ID token and masks it. It contacts only the source.
func Identify(ctx context.Context, run *process.Run, flags request.IdentityFlags, audience string) (idtoken.Source, idtoken.Token, error) {
	verified, _, err := Transports(ctx, run, flags, true)
	if err != nil {
		return idtoken.Source{}, idtoken.Token{}, err
	}
	source, err := Source(ctx, run, flags, verified)
	if err != nil {
		return idtoken.Source{}, idtoken.Token{}, err
	}
	held := &idtoken.Held{Source: source, Audience: audience, Now: run.Env.Clock.Now, Got: run.Platform.Mask}
	token, err := held.IDToken(ctx)
	return source, token, err
}

// Source finds where the ID token comes from. It reaches the platform's servers over
// this transport.
func Source(ctx context.Context, run *process.Run, flags request.IdentityFlags, verified http.RoundTripper) (idtoken.Source, error) {
	return flags.ChooseSource(idTokenEnv(ctx, run, flags, verified))
}

// idTokenEnv is what sources may read and contact.
func idTokenEnv(ctx context.Context, run *process.Run, flags request.IdentityFlags, verified http.RoundTripper) idtoken.Env {
	direct := verified
	if t, ok := verified.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy = nil
		direct = t
	}
	env := idtoken.Env{
		Getenv:   run.Env.Getenv,
		Stdin:    run.Env.Input(ctx),
		ReadFile: run.Env.Reader(ctx),
		Endpoint: Endpoint(run, flags, verified),
		Direct:   Endpoint(run, flags, direct),
		Say:      run.Platform.Notice,
		Browse:   run.Env.Browse,
		Ask: func(ctx context.Context, question string) (idtoken.Secret, error) {
			password, err := process.Ask(ctx, run.Env, question)
			run.Secrets.Add(password)
			return password, err
		},
		Hide: run.Secrets.Add,
	}
	if env.Browse == nil {
		env.Browse = func(context.Context, string) {}
	}
	return env
}

// Endpoint is a client that reports its retries and, with --verbose, every request.
func Endpoint(run *process.Run, flags request.IdentityFlags, transport http.RoundTripper) *endpoint.Client {
	say := run.Platform
	client := &endpoint.Client{
		Transport: transport,
		Clock:     run.Env.Clock,
		UserAgent: strings.TrimSpace("quay-keyless/" + run.Env.Version),
		Waits:     run.Waiting.For,
		Retrying: func(r endpoint.Retry) {
			say.Notice(fmt.Sprintf("%s: %v; trying again in %s (%d of %d)",
				r.Name, r.Err, r.Wait.Round(100*time.Millisecond), r.Attempt, r.Of))
		},
	}
	if flags.Verbose {
		client.Asked = func(asked endpoint.Attempt) {
			came := fmt.Sprintf("HTTP %d", asked.Status)
			if asked.Err != nil {
				came = asked.Err.Error()
			}
			say.Notice(fmt.Sprintf("asked %s (%s): %s in %s", asked.Name, asked.URL, came, asked.Elapsed.Round(time.Millisecond)))
		}
	}
	return client
}

// WarnOfChoices warns of an insecure registry.
func WarnOfChoices(run *process.Run, flags request.ExchangeFlags, registry quay.Registry) {
	switch {
	case registry.PlainHTTP:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("http: anyone on the way to %s can read the ID token and the robot token", registry.Host)})
	case !flags.TLSVerify:
		run.Platform.Warn(platform.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anyone on the way can read the login", registry.Host)})
	}
}

// warnOfReplay warns of registries that could use each other's ID token: only the
// audience prevents that.
func warnOfReplay(run *process.Run, source idtoken.Source, targets []request.Target) {
	first := map[string]string{}
	for _, t := range targets {
		audience, cure := t.Audience, fmt.Sprintf("Add --audience %s=AUDIENCE, and store that audience in the federation entry there.", t.Registry.Host)
		if !source.ChoosesAudience {
			audience, cure = "", "Log in to each in a step or job with another ID token."
		}
		other, known := first[audience]
		if !known {
			first[audience] = t.Registry.Host
		} else if other != t.Registry.Host {
			run.Platform.Warn(platform.Message{
				Text:  fmt.Sprintf("%s and %s get ID tokens with the same audience, so each can use its ID token at the other", other, t.Registry.Host),
				Steps: []platform.Step{{Text: cure}},
			})
		}
	}
}
