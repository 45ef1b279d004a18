// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"quay-keyless/internal/endpoint"
)

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	// devicePause is the time between two polls unless the provider names one, and what
	// slow_down adds to it (RFC 8628, sections 3.2 and 3.5).
	devicePause = 5 * time.Second
)

// device lets a person enter a code at the provider, on any device, and polls until that
// is done. oauth2's own polls cannot use another clock.
func (s *session) device(ctx context.Context) (*oauth2.Token, error) {
	if s.provider.DeviceURL == "" {
		return nil, &Error{Problem: NoSuchFlow, Source: s.Name(), Detail: "cannot be asked for: the provider has no device_authorization_endpoint"}
	}
	verifier := s.Env.Hidden(NewSecret(oauth2.GenerateVerifier())).Reveal() // for Keycloak's clients that must use PKCE
	params := s.params()
	if !s.secret.Empty() && s.style == oauth2.AuthStyleInParams {
		params.Set("client_secret", s.secret.Reveal())
	}
	name := "the device endpoint of " + host(s.provider.DeviceURL)
	config := oauth2.Config{ClientID: s.Client.ID, Scopes: s.scopes(), Endpoint: oauth2.Endpoint{DeviceAuthURL: s.provider.DeviceURL}}
	begun, err := config.DeviceAuth(s.through(ctx, asker{name: name, basic: s.style == oauth2.AuthStyleInHeader, secret: s.secret}), options(params, oauth2.S256ChallengeOption(verifier))...)
	switch {
	case err != nil:
		return nil, err
	case begun.DeviceCode == "" || begun.UserCode == "" || !secure(begun.VerificationURI):
		return nil, &endpoint.Unbelievable{Name: name, Why: "answered without a code and an https address to enter it at"}
	}
	address := begun.VerificationURI
	if secure(begun.VerificationURIComplete) {
		address = begun.VerificationURIComplete
	}
	s.Env.Hidden(NewSecret(begun.DeviceCode))
	s.Env.Say(fmt.Sprintf("to log in, open %s on any device and enter the code %s", address, begun.UserCode))
	return s.poll(ctx, url.Values{
		"grant_type": {deviceGrant}, "device_code": {begun.DeviceCode}, "code_verifier": {verifier},
	}, time.Duration(begun.Interval)*time.Second)
}

// poll asks for the token until there is one or a final refusal.
func (s *session) poll(ctx context.Context, form url.Values, pause time.Duration) (*oauth2.Token, error) {
	if pause <= 0 {
		pause = devicePause
	}
	defer s.Env.Endpoint.WaitFor("you to log in")()
	for {
		if err := s.Env.Endpoint.Clock.Sleep(ctx, pause); err != nil {
			return nil, s.late(err)
		}
		token, err := s.grant(ctx, form, nil)
		var refusal *oauth2.RetrieveError
		if !errors.As(err, &refusal) {
			return token, err
		}
		switch refusal.ErrorCode {
		case "authorization_pending":
		case "slow_down":
			pause += devicePause
		default:
			return nil, err
		}
	}
}

// late is the error if no person logged in before the timeout.
func (o OIDC) late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Problem: NoLogin, Source: o.Name(), Err: err}
	}
	return err
}
