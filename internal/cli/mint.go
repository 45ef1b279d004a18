// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// minted is a robot token that the registry took.
type minted struct {
	login     quay.Login
	expiresAt time.Time
}

// mint is the flow of every login: the ID token and the registry's ping side by
// side, then the exchange, then the proof. Every secret is masked before
// anything is said after it.
func (j *job) mint(ctx context.Context) (minted, error) {
	ping := j.ping(ctx)
	_, claims, err := j.idToken.IDToken(ctx)
	if err != nil {
		return minted{}, err
	}
	challenge, err := ping()
	if err != nil {
		return minted{}, err
	}
	j.warnOfSkew()
	if err := j.preflight(claims); err != nil {
		return minted{}, err
	}
	m, err := j.exchange(ctx)
	if err != nil {
		return minted{}, &refusedIDToken{target: j.target, claims: claims, err: err}
	}
	return m, j.prove(ctx, challenge, m.login)
}

// ping asks the registry while the ID token is on its way, which also makes the
// connection that the exchange will use. The result waits for the answer.
func (j *job) ping(ctx context.Context) func() (quay.Challenge, error) {
	type answer struct {
		challenge quay.Challenge
		err       error
	}
	answers := make(chan answer, 1)
	go func() {
		challenge, err := j.quay.Ping(ctx)
		answers <- answer{challenge, err}
	}()
	return func() (quay.Challenge, error) {
		a := <-answers
		return a.challenge, a.err
	}
}

// warnOfSkew tells a clock that is off: the registry's is the one that counts.
func (j *job) warnOfSkew() {
	skew, known := j.quay.Skew()
	if !known || skew.Abs() <= 30*time.Second {
		return
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	j.host.Warn(host.Message{
		Text:  fmt.Sprintf("the clock here is about %s %s that of %s", skew.Abs().Round(10*time.Second), direction, j.registry.Host),
		Hints: []string{"ID tokens are short-lived: set this machine's clock by NTP"},
	})
}

// leeway is how long after its expiry Quay still takes an ID token (contract,
// section 2).
const leeway = 30 * time.Second

// preflight looks at the ID token for what Quay would answer with a bare 500
// or a refusal, by the registry's clock.
func (j *job) preflight(claims idtoken.Claims) error {
	late := j.quay.Now().Sub(claims.Expiry)
	if claims.Expiry.IsZero() || late <= leeway {
		return nil
	}
	return &idtoken.Error{
		Problem: idtoken.Expired,
		Source:  j.source.Name(),
		Detail:  fmt.Sprintf("expired %s ago, at %s", late.Round(time.Second), claims.Expiry.UTC().Format("2006-01-02 15:04:05 MST")),
	}
}

// exchange gets the robot token and masks it, alone and in the form that the
// auth file has.
func (j *job) exchange(ctx context.Context) (minted, error) {
	token, err := j.quay.Exchange(ctx, j.robot, func(ctx context.Context) (idtoken.Secret, error) {
		secret, _, err := j.idToken.IDToken(ctx)
		return secret, err
	})
	if err != nil {
		return minted{}, err
	}
	login := quay.Login{Robot: j.robot, Token: idtoken.NewSecret(token.AccessToken)}
	j.host.Mask(login.Token)
	j.host.Mask(authfile.Credential(j.robot.String(), login.Token))
	return minted{login: login, expiresAt: token.Expiry}, nil
}

// prove shows the robot token to the registry, and asks for the permissions
// that the user wants to be sure of.
func (j *job) prove(ctx context.Context, challenge quay.Challenge, login quay.Login) error {
	if !j.flags.verify {
		return nil
	}
	err := j.quay.Prove(ctx, challenge, login)
	if errors.Is(err, quay.ErrNoProof) && len(j.checks) == 0 {
		j.host.Warn(host.Message{Text: err.Error(), Hints: []string{"--verify=false leaves the proof out without this warning"}})
		return nil
	}
	if err != nil {
		return &refusedLogin{target: j.target, err: err}
	}
	for _, permission := range j.checks {
		if err := j.quay.Check(ctx, challenge, login, permission); err != nil {
			return &refusedLogin{target: j.target, err: err}
		}
	}
	return nil
}
