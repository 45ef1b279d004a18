// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// job is what a command needs to get a robot token for its target.
type job struct {
	target
	flags   mintFlags
	host    host.Host
	quay    *quay.Client
	idToken *idtoken.Held
	source  idtoken.Source
}

// minted is a robot token that the registry took.
type minted struct {
	login     quay.Login
	expiresAt time.Time
}

// newJob puts the parts together. Nothing is asked yet.
func (a *app) newJob(flags mintFlags, t target) (*job, error) {
	config, err := trust(flags.caCertificate, a.env.ReadFile)
	if err != nil {
		return nil, &usageError{err: err}
	}
	j := &job{target: t, flags: flags, host: a.host}
	verified := a.env.Transport(config)
	registry := verified
	if !flags.tlsVerify {
		registry = a.env.Transport(unverified(config))
	}
	j.quay = &quay.Client{Registry: t.registry, Endpoint: j.endpoint(a.env, registry)}
	j.source, err = flags.chooseSource(idtoken.Env{
		Getenv:   a.env.Getenv,
		Stdin:    a.env.Stdin,
		ReadFile: a.env.ReadFile,
		Endpoint: j.endpoint(a.env, verified),
	})
	if err != nil {
		return nil, err
	}
	j.idToken = &idtoken.Held{Source: j.source, Audience: flags.audience, Now: j.quay.Now, Got: a.host.Mask}
	j.warnOfChoices()
	return j, nil
}

// unverified is for the registry alone, where the user chose so.
func unverified(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.InsecureSkipVerify = true //nolint:gosec // --tls-verify=false, said in a warning
	return config
}

func (j *job) endpoint(env Env, transport http.RoundTripper) *endpoint.Client {
	client := &endpoint.Client{
		Transport: transport,
		Clock:     env.Clock,
		UserAgent: strings.TrimSpace("quay-keyless/" + env.Version),
		Retrying: func(r endpoint.Retry) {
			j.host.Notice(fmt.Sprintf("%s: %v; trying again in %s (%d of %d)",
				r.Name, r.Err, r.Wait.Round(100*time.Millisecond), r.Attempt, r.Of))
		},
	}
	if j.flags.verbose {
		client.Asked = func(asked endpoint.Attempt) { j.host.Notice(verbosely(asked)) }
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

// warnOfChoices says what the user's choices mean.
func (j *job) warnOfChoices() {
	if j.registry.PlainHTTP {
		j.host.Warn(host.Message{Text: fmt.Sprintf("http: the ID token and the robot token travel to %s readable for everybody on the way", j.registry.Host)})
	}
	if !j.flags.tlsVerify && !j.registry.PlainHTTP {
		j.host.Warn(host.Message{Text: fmt.Sprintf("the certificate of %s is not verified: anybody on the way can take the login", j.registry.Host)})
	}
}

// mint is the flow of every login: the ID token and the registry's ping side by
// side, then the exchange, then the proof. Every secret is masked before
// anything is said after it.
func (j *job) mint(ctx context.Context) (minted, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, j.flags.timeout, fmt.Errorf("not done within the %s of --timeout", j.flags.timeout))
	defer cancel()
	type pinged struct {
		challenge quay.Challenge
		err       error
	}
	ping := make(chan pinged, 1)
	go func() {
		challenge, err := j.quay.Ping(ctx)
		ping <- pinged{challenge, err}
	}()
	_, claims, err := j.idToken.IDToken(ctx)
	if err != nil {
		return minted{}, err
	}
	registry := <-ping
	if registry.err != nil {
		return minted{}, registry.err
	}
	j.warnOfSkew()
	if err := j.preflight(claims); err != nil {
		return minted{}, err
	}
	m, err := j.exchange(ctx)
	if err != nil {
		return minted{}, &refusedIDToken{target: j.target, claims: claims, err: err}
	}
	return m, j.prove(ctx, registry.challenge, m.login)
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
		Text:  fmt.Sprintf("the clock here is %s %s that of %s", skew.Abs().Round(time.Second), direction, j.registry.Host),
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
		Detail:  fmt.Sprintf("expired %s ago, at %s", ago(late), claims.Expiry.UTC().Format("2006-01-02 15:04:05 MST")),
	}
}

// ago rounds a time that has passed to what people read.
func ago(d time.Duration) time.Duration {
	if d < math.MaxInt64/2 && d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
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
