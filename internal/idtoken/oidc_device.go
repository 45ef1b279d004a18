// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"quay-keyless/internal/endpoint"
)

// devicePause is the time between two polls unless the provider names one, and what
// slow_down adds to it (RFC 8628, sections 3.2 and 3.5).
const devicePause = 5 * time.Second

// device lets a person enter a code at the provider, on any device, and polls until that
// is done. oauth2's own polls cannot use another clock.
func (s *session) device(ctx context.Context) (*oauth2.Token, error) {
	if s.provider.DeviceURL == "" {
		return nil, missing(NoSuchFlow, "the provider has no device_authorization_endpoint")
	}
	verifier := s.Env.hidden(oauth2.GenerateVerifier()).Reveal() // for Keycloak's clients that must use PKCE
	params := s.params()
	if !s.secret.Empty() && s.style == oauth2.AuthStyleInParams {
		params.Set("client_secret", s.secret.Reveal())
	}
	config := oauth2.Config{ClientID: s.Client.ID, Scopes: s.scopes(), Endpoint: oauth2.Endpoint{DeviceAuthURL: s.provider.DeviceURL}}
	begun, err := config.DeviceAuth(s.through(ctx, "the device endpoint", false), options(params, oauth2.S256ChallengeOption(verifier))...)
	switch {
	case err != nil:
		return nil, err
	case begun.DeviceCode == "" || begun.UserCode == "" || !secure(begun.VerificationURI):
		return nil, &endpoint.Unbelievable{Name: "the device endpoint at " + host(s.provider.DeviceURL), Why: "answered without a code and an https address for it"}
	}
	address := begun.VerificationURI
	if secure(begun.VerificationURIComplete) {
		address = begun.VerificationURIComplete
	}
	s.Env.Say(fmt.Sprintf("to log in, open %s on any device and enter the code %s", address, begun.UserCode))
	return s.poll(ctx, url.Values{
		"grant_type":  {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {s.Env.hidden(begun.DeviceCode).Reveal()}, "code_verifier": {verifier},
	}, cmp.Or(max(0, time.Duration(begun.Interval)*time.Second), devicePause))
}

// poll asks for the token until there is one or a final refusal.
func (s *session) poll(ctx context.Context, form url.Values, pause time.Duration) (*oauth2.Token, error) {
	defer s.Env.Endpoint.WaitFor("you to log in")()
	for {
		if err := s.Env.Endpoint.Clock.Sleep(ctx, pause); err != nil {
			return nil, late(err)
		}
		token, err := s.grant(ctx, form, nil, false)
		refusal, refused := errors.AsType[*oauth2.RetrieveError](err)
		switch {
		case refused && refusal.ErrorCode == "authorization_pending":
		case refused && refusal.ErrorCode == "slow_down":
			pause += devicePause
		default:
			return token, err
		}
	}
}

// late is the error if no person logged in before the timeout.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Problem: NoLogin, Missing: true, Detail: "nobody logged in in time", Err: err}
	}
	return err
}
