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
	tokens, errs := make([]RobotToken, len(targets)), make([]error, len(targets))
	slots := make(chan struct{}, maxExchanges)
	var robots sync.WaitGroup
	for i, t := range targets {
		robots.Go(func() {
			site, err := sites[t.Registry.Host]()
			if err != nil {
				errs[i] = err
				return
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if tokens[i], errs[i] = site.Exchange(ctx, t); errs[i] == nil && flags.Verify {
				errs[i] = site.Prove(ctx, tokens[i])
			}
		})
	}
	robots.Wait()
	return tokens, joined(errs)
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

// open gets the ID token and pings the registry at the same time. The ping also makes
// the connection for the exchange. If there is no ID token, open cancels the ping and
// waits for it.
func (s *Site) open(ctx context.Context) error {
	pinging, cancel := context.WithCancel(ctx)
	defer cancel()
	var unanswered error
	var ping sync.WaitGroup
	ping.Go(func() { s.Challenge, unanswered = s.Quay.Ping(pinging) })
	idToken, err := s.IDToken.IDToken(ctx)
	if err != nil {
		cancel()
	}
	ping.Wait()
	if err := cmp.Or(err, unanswered); err != nil {
		return err
	}
	s.Claims = idToken.Claims
	s.WarnOfSkew()
	return s.Preflight()
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
func (s *Site) Preflight() error {
	late := s.Quay.Now().Sub(s.Claims.Expiry)
	if s.Claims.Expiry.IsZero() || late <= Leeway {
		return nil
	}
	return &idtoken.Error{
		Problem: idtoken.Expired,
		Source:  s.IDToken.Source.Name,
		Detail:  fmt.Sprintf("expired %s ago, at %s", late.Round(time.Second), platform.FormatTime(s.Claims.Expiry)),
	}
}

// Exchange gets the robot token. It masks both forms before any other word.
func (s *Site) Exchange(ctx context.Context, t request.Target) (RobotToken, error) {
	token, err := s.Quay.Exchange(ctx, t.Robot, func(ctx context.Context) (idtoken.Secret, error) {
		idToken, err := s.IDToken.IDToken(ctx)
		return idToken.Secret, err
	})
	if err != nil {
		return RobotToken{}, &RefusedIDToken{Target: t, Source: s.IDToken.Source, Claims: s.Claims, Err: err}
	}
	secret := idtoken.NewSecret(token.AccessToken)
	s.host.Mask(secret)
	s.host.Mask(authfile.Credential(t.Robot.String(), secret))
	return RobotToken{Target: t, source: s.IDToken.Source, Token: secret, ExpiresAt: token.Expiry, Left: token.Expiry.Sub(s.Quay.Now())}, nil
}

// Prove shows the robot token to the registry, and asks for the permissions of --check.
func (s *Site) Prove(ctx context.Context, token RobotToken) error {
	err := s.Quay.Prove(ctx, s.Challenge, quay.Login{Robot: token.Robot, Token: token.Token})
	if errors.Is(err, quay.ErrNoProof) && len(token.Checks) == 0 {
		s.host.Warn(platform.Message{Text: err.Error(), Steps: []platform.Step{{Text: "To skip this check without a warning, add --verify=false."}}})
		return nil
	}
	if err != nil {
		return &RefusedLogin{Target: token.Target, Claims: s.Claims, Err: err}
	}
	for _, permission := range token.Checks {
		if err := s.Check(ctx, token, permission); err != nil {
			return err
		}
	}
	return nil
}

// Check asks for one permission.
func (s *Site) Check(ctx context.Context, token RobotToken, permission quay.Permission) error {
	if err := s.Quay.Check(ctx, s.Challenge, quay.Login{Robot: token.Robot, Token: token.Token}, permission); err != nil {
		return &RefusedLogin{Target: token.Target, Claims: s.Claims, Permission: permission, Err: err}
	}
	return nil
}

// RefusedIDToken is an exchange that failed, with what its cures need.
type RefusedIDToken struct {
	Target request.Target
	Source idtoken.Source
	Claims idtoken.Claims
	// Verified: the issuer was reached from here, and its key fits the ID token.
	Verified bool
	Err      error
}

// Error is the text.
func (r *RefusedIDToken) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedIDToken) Unwrap() error { return r.Err }

// RefusedLogin is a robot token that the registry rejects, or one without a permission.
type RefusedLogin struct {
	Target     request.Target
	Claims     idtoken.Claims  // of the ID token that was exchanged
	Permission quay.Permission // that was asked for, if one was
	Err        error
}

// Error is the text.
func (r *RefusedLogin) Error() string { return r.Err.Error() }

// Unwrap is the cause.
func (r *RefusedLogin) Unwrap() error { return r.Err }
