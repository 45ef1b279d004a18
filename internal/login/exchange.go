// SPDX-License-Identifier: Apache-2.0

package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// RobotToken is a robot token that the registry accepts.
type RobotToken struct {
	request.Target
	source    idtoken.Source // of the ID token
	Token     idtoken.Secret
	ExpiresAt time.Time
	Left      time.Duration // by the registry's clock
}

// maxExchanges limits parallel exchanges: Quay answered ten at once one after another.
const maxExchanges = 4

// RobotTokens gets a robot token for each target, or for none; registries and robots in
// parallel. The error has those of all targets.
func RobotTokens(ctx context.Context, run *process.Run, flags request.ExchangeFlags, targets []request.Target) ([]RobotToken, error) {
	sites, err := sites(ctx, run, flags, targets)
	if err != nil {
		return nil, err
	}
	open := map[string]func() (Visit, error){}
	for name, s := range sites {
		open[name] = sync.OnceValues(func() (Visit, error) { return s.open(ctx) })
	}
	results, errs := make([]RobotToken, len(targets)), make([]error, len(targets))
	slots := make(chan struct{}, maxExchanges)
	var robots sync.WaitGroup
	for i, t := range targets {
		robots.Go(func() {
			v, err := open[t.Registry.Host]()
			if err != nil {
				errs[i] = err
				return
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i], errs[i] = v.login(ctx, t, flags.Verify)
		})
	}
	robots.Wait()
	if err := joined(errs); err != nil {
		return nil, err
	}
	return results, nil
}

// Failures are the errors of several targets, without duplicates.
type Failures struct{ Errs []error }

// Error is the text.
func (f *Failures) Error() string { return f.Errs[0].Error() }

// Unwrap is the cause.
func (f *Failures) Unwrap() error { return f.Errs[0] }

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
	return &Failures{distinct}
}

// Visit is a site that has answered the ping, with its ID token's claims.
type Visit struct {
	*Site
	Challenge quay.Challenge
	Claims    idtoken.Claims
}

// open gets the ID token and pings the registry at the same time. The ping also makes
// the connection for the exchange. If there is no ID token, open cancels the ping and
// waits for it.
func (s *Site) open(ctx context.Context) (Visit, error) {
	pinging, cancel := context.WithCancel(ctx)
	defer cancel()
	var challenge quay.Challenge
	var unanswered error
	var ping sync.WaitGroup
	ping.Go(func() { challenge, unanswered = s.Quay.Ping(pinging) })
	idToken, err := s.IDToken.IDToken(ctx)
	if err != nil {
		cancel()
	}
	ping.Wait()
	if err := cmp.Or(err, unanswered); err != nil {
		return Visit{}, err
	}
	s.WarnOfSkew()
	return Visit{s, challenge, idToken.Claims}, s.Preflight(idToken.Claims)
}

// WarnOfSkew warns if the local clock is wrong, by the registry's.
func (s *Site) WarnOfSkew() {
	skew, known := s.Quay.Skew()
	if !known || skew.Abs() <= 30*time.Second {
		return
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	s.host.Warn(platform.Message{
		Text:  fmt.Sprintf("this machine's clock is about %s %s that of %s", skew.Abs().Round(10*time.Second), direction, s.Quay.Registry.Host),
		Steps: []platform.Step{{Text: "ID tokens are short-lived: set this machine's clock by NTP."}},
	})
}

// Leeway is how long after its expiry Quay still accepts an ID token.
const Leeway = 30 * time.Second

// Preflight finds, by the registry's clock, an ID token that Quay would answer with a
// bare 500 or a refusal.
func (s *Site) Preflight(claims idtoken.Claims) error {
	late := s.Quay.Now().Sub(claims.Expiry)
	if claims.Expiry.IsZero() || late <= Leeway {
		return nil
	}
	return &idtoken.Error{
		Problem: idtoken.Expired,
		Source:  s.Source.Name,
		Detail:  fmt.Sprintf("expired %s ago, at %s", late.Round(time.Second), platform.FormatTime(claims.Expiry)),
	}
}

// login is the exchange: the exchange, then the proof.
func (v Visit) login(ctx context.Context, t request.Target, verify bool) (RobotToken, error) {
	m, err := v.Exchange(ctx, t)
	if err == nil && verify {
		err = v.Prove(ctx, t, m.Login())
	}
	return m, err
}

// Exchange gets the robot token. It masks both forms before any other word.
func (v Visit) Exchange(ctx context.Context, t request.Target) (RobotToken, error) {
	token, err := v.Quay.Exchange(ctx, t.Robot, func(ctx context.Context) (idtoken.Secret, error) {
		idToken, err := v.IDToken.IDToken(ctx)
		return idToken.Secret, err
	})
	if err != nil {
		return RobotToken{}, &RefusedIDToken{Target: t, Source: v.Source, Claims: v.Claims, Err: err}
	}
	secret := idtoken.NewSecret(token.AccessToken)
	v.host.Mask(secret)
	v.host.Mask(authfile.Credential(t.Robot.String(), secret))
	return RobotToken{Target: t, source: v.Source, Token: secret, ExpiresAt: token.Expiry, Left: token.Expiry.Sub(v.Quay.Now())}, nil
}

// Login is what the registry gets to see.
func (m RobotToken) Login() quay.Login { return quay.Login{Robot: m.Robot, Token: m.Token} }

// Prove shows the robot token to the registry, and asks for the permissions of --check.
func (v Visit) Prove(ctx context.Context, t request.Target, login quay.Login) error {
	err := v.Quay.Prove(ctx, v.Challenge, login)
	if errors.Is(err, quay.ErrNoProof) && len(t.Checks) == 0 {
		v.host.Warn(platform.Message{Text: err.Error(), Steps: []platform.Step{{Text: "To skip this check without a warning, add --verify=false."}}})
		return nil
	}
	if err != nil {
		return &RefusedLogin{Target: t, Claims: v.Claims, Err: err}
	}
	for _, permission := range t.Checks {
		if err := v.Check(ctx, t, login, permission); err != nil {
			return err
		}
	}
	return nil
}

// Check asks for one permission.
func (v Visit) Check(ctx context.Context, t request.Target, login quay.Login, permission quay.Permission) error {
	if err := v.Quay.Check(ctx, v.Challenge, login, permission); err != nil {
		return &RefusedLogin{Target: t, Claims: v.Claims, Permission: permission, Err: err}
	}
	return nil
}
