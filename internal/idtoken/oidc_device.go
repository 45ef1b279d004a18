// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
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
func (o OIDC) device(ctx context.Context, p provider) (*oauth2.Token, error) {
	if p.DeviceURL == "" {
		return nil, &Error{Problem: NoSuchFlow, Source: o.Name(), Detail: "cannot be asked for: the provider has no device_authorization_endpoint"}
	}
	who, err := o.authenticate(ctx, p)
	if err != nil {
		return nil, err
	}
	verifier := o.Env.Hidden(NewSecret(oauth2.GenerateVerifier())).Reveal() // which Keycloak wants of a client that must use PKCE
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name, values := range who.params {
		options = append(options, oauth2.SetAuthURLParam(name, values[0]))
	}
	if !who.secret.Empty() && who.style == oauth2.AuthStyleInParams {
		options = append(options, oauth2.SetAuthURLParam("client_secret", who.secret.Reveal()))
	}
	config := oauth2.Config{ClientID: o.Client.ID, Scopes: strings.Fields(o.Client.Scope), Endpoint: oauth2.Endpoint{DeviceAuthURL: p.DeviceURL}}
	begun, err := config.DeviceAuth(o.through(ctx, asker{name: "the device endpoint of " + host(p.DeviceURL), who: who}), options...)
	switch {
	case err != nil:
		return nil, err
	case begun.DeviceCode == "" || begun.UserCode == "" || !secure(begun.VerificationURI):
		return nil, &endpoint.Unbelievable{Name: "the device endpoint of " + host(p.DeviceURL), Why: "answered without a code and an https address to enter it at"}
	}
	address := begun.VerificationURI
	if secure(begun.VerificationURIComplete) {
		address = begun.VerificationURIComplete
	}
	o.Env.Hidden(NewSecret(begun.DeviceCode))
	o.Env.Say(fmt.Sprintf("to log in, open %s on any device and enter the code %s", address, begun.UserCode))
	return o.poll(ctx, p, url.Values{
		"grant_type": {deviceGrant}, "device_code": {begun.DeviceCode}, "code_verifier": {verifier},
	}, time.Duration(begun.Interval)*time.Second)
}

// poll asks for the token until there is one or a final refusal.
func (o OIDC) poll(ctx context.Context, p provider, form url.Values, pause time.Duration) (*oauth2.Token, error) {
	if pause <= 0 {
		pause = devicePause
	}
	for {
		if err := o.Env.Endpoint.Clock.Sleep(ctx, pause); err != nil {
			return nil, o.late(err)
		}
		token, err := o.grant(ctx, p, form, nil)
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
