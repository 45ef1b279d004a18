// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// minted is a robot token that the registry took.
type minted struct {
	target
	source    idtoken.Source // of the ID token
	token     idtoken.Secret
	expiresAt time.Time
	left      time.Duration // by the registry's clock
}

// maxExchanges is how many exchanges are under way at once: Quay answered ten at
// once one after another (measured).
const maxExchanges = 4

// mint gets a robot token for each target, or none: registries and robots side
// by side. The error holds each target's own.
func (a *app) mint(ctx context.Context, flags mintFlags, targets []target) ([]minted, error) {
	sites, err := a.sites(ctx, flags, targets)
	if err != nil {
		return nil, err
	}
	open := map[string]func() (visit, error){}
	for name, s := range sites {
		open[name] = sync.OnceValues(func() (visit, error) { return s.open(ctx) })
	}
	results, errs := make([]minted, len(targets)), make([]error, len(targets))
	slots := make(chan struct{}, maxExchanges)
	var robots sync.WaitGroup
	for i, t := range targets {
		robots.Go(func() {
			v, err := open[t.registry.Host]()
			if err != nil {
				errs[i] = err
				return
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i], errs[i] = v.mint(ctx, t, flags.verify)
		})
	}
	robots.Wait()
	if err := joined(errs); err != nil {
		return nil, err
	}
	return results, nil
}

// failures is what went wrong for several targets, each thing once.
type failures struct{ errs []error }

func (f *failures) Error() string { return f.errs[0].Error() }
func (f *failures) Unwrap() error { return f.errs[0] }

func joined(errs []error) error {
	var distinct []error
	for _, err := range errs {
		same := func(other error) bool { return other.Error() == err.Error() }
		if err != nil && !slices.ContainsFunc(distinct, same) {
			distinct = append(distinct, err)
		}
	}
	switch len(distinct) {
	case 0:
		return nil
	case 1:
		return distinct[0]
	}
	return &failures{distinct}
}

// visit is a site that has answered, and the ID token that it may be shown.
type visit struct {
	*site
	challenge quay.Challenge
	claims    idtoken.Claims
}

// open gets the ID token and pings the registry at the same time. The ping also
// makes the connection that the exchange will use. Without an ID token the ping is
// cancelled, and has ended when open returns.
func (s *site) open(ctx context.Context) (visit, error) {
	pinging, cancel := context.WithCancel(ctx)
	defer cancel()
	var challenge quay.Challenge
	var unanswered error
	var ping sync.WaitGroup
	ping.Go(func() { challenge, unanswered = s.quay.Ping(pinging) })
	idToken, err := s.idToken.IDToken(ctx)
	if err != nil {
		cancel()
	}
	ping.Wait()
	if err := cmp.Or(err, unanswered); err != nil {
		return visit{}, err
	}
	s.warnOfSkew()
	return visit{s, challenge, idToken.Claims}, s.preflight(idToken.Claims)
}

// warnOfSkew tells a clock that is off: the registry's is the one that counts.
func (s *site) warnOfSkew() {
	skew, known := s.quay.Skew()
	if !known || skew.Abs() <= 30*time.Second {
		return
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	s.host.Warn(host.Message{
		Text:  fmt.Sprintf("the clock here is about %s %s that of %s", skew.Abs().Round(10*time.Second), direction, s.quay.Registry.Host),
		Hints: []string{"ID tokens are short-lived: set this machine's clock by NTP"},
	})
}

// leeway is how long after its expiry Quay still takes an ID token (measured).
const leeway = 30 * time.Second

// preflight looks at the ID token for what Quay would answer with a bare 500
// or a refusal, by the registry's clock.
func (s *site) preflight(claims idtoken.Claims) error {
	late := s.quay.Now().Sub(claims.Expiry)
	if claims.Expiry.IsZero() || late <= leeway {
		return nil
	}
	return &idtoken.Error{
		Problem: idtoken.Expired,
		Source:  s.source.Name(),
		Detail:  fmt.Sprintf("expired %s ago, at %s", late.Round(time.Second), clock(claims.Expiry)),
	}
}

// mint is the flow of one login: the exchange, then the proof.
func (v visit) mint(ctx context.Context, t target, verify bool) (minted, error) {
	m, err := v.exchange(ctx, t)
	if err == nil && verify {
		err = v.prove(ctx, t, m.login())
	}
	return m, err
}

// exchange gets the robot token. Both its forms are masked before anything is
// said after it.
func (v visit) exchange(ctx context.Context, t target) (minted, error) {
	token, err := v.quay.Exchange(ctx, t.robot, func(ctx context.Context) (idtoken.Secret, error) {
		idToken, err := v.idToken.IDToken(ctx)
		return idToken.Secret, err
	})
	if err != nil {
		return minted{}, &refusedIDToken{target: t, source: v.source, claims: v.claims, err: err}
	}
	secret := idtoken.NewSecret(token.AccessToken)
	v.host.Mask(secret)
	v.host.Mask(authfile.Credential(t.robot.String(), secret))
	return minted{target: t, source: v.source, token: secret, expiresAt: token.Expiry, left: token.Expiry.Sub(v.quay.Now())}, nil
}

func (m minted) login() quay.Login { return quay.Login{Robot: m.robot, Token: m.token} }

// prove shows the robot token to the registry, and asks for the permissions
// that the user wants to be sure of.
func (v visit) prove(ctx context.Context, t target, login quay.Login) error {
	err := v.quay.Prove(ctx, v.challenge, login)
	if errors.Is(err, quay.ErrNoProof) && len(t.checks) == 0 {
		v.host.Warn(host.Message{Text: err.Error(), Hints: []string{"--verify=false leaves the proof out without this warning"}})
		return nil
	}
	if err != nil {
		return &refusedLogin{target: t, claims: v.claims, err: err}
	}
	for _, permission := range t.checks {
		if err := v.check(ctx, t, login, permission); err != nil {
			return err
		}
	}
	return nil
}

// check asks whether the login may do one thing.
func (v visit) check(ctx context.Context, t target, login quay.Login, permission quay.Permission) error {
	if err := v.quay.Check(ctx, v.challenge, login, permission); err != nil {
		return &refusedLogin{target: t, claims: v.claims, permission: permission, err: err}
	}
	return nil
}
