// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// The provider says how fast it may be polled (RFC 8628, section 3.5).
func TestDevicePolls(t *testing.T) {
	t.Parallel()
	p := &provider{answers: []string{"authorization_pending", "slow_down", "authorization_pending", "slow_down, by a 429", tokens(t)}}
	var waited []time.Duration
	if _, err := p.client(idtoken.Device, &waited).IDToken(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{5e9, 5e9, 10e9, 10e9, 15e9}; !slices.Equal(waited, want) {
		t.Errorf("waited %v, want %v", waited, want)
	}
	for _, form := range p.forms {
		if form.Get("device_code") != "DEVICE-CODE" || form.Get("code_verifier") == "" || form.Has("scope") {
			t.Errorf("polled with %v", form)
		}
	}
}

// What a person is to open and enter is there, and no plain http.
func TestDevicesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, device := range map[string]object{
		"no device code": {"device_code": ""}, "no user code": {"user_code": ""},
		"no address": {"verification_uri": ""}, "plain http": {"verification_uri": "http://keycloak.example/device"},
	} {
		p := &provider{device: device, answers: []string{tokens(t)}}
		var unbelievable *endpoint.Unbelievable
		if _, err := p.client(idtoken.Device, nil).IDToken(t.Context(), ""); !errors.As(err, &unbelievable) || len(p.forms) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := &provider{device: object{"verification_uri_complete": "http://keycloak.example/device?user_code=ABCD"}, answers: []string{tokens(t)}}
	var waited []time.Duration
	source, said := p.client(idtoken.Device, &waited), ""
	source.Env.Say = func(text string) { said = text }
	if _, err := source.IDToken(t.Context(), ""); err != nil || !strings.Contains(said, "open https://keycloak.example/device on") {
		t.Errorf("said %q, %v", said, err)
	}
}

// The secret goes to the device endpoint as it does to the token endpoint.
func TestDeviceWithASecret(t *testing.T) {
	t.Parallel()
	p := &provider{answers: []string{tokens(t)}}
	var waited []time.Duration
	source := p.client(idtoken.Device, &waited)
	source.Client.Secret = secret("S+ECRET")
	if _, err := source.IDToken(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, header := range p.headers {
		if user, password, _ := (&http.Request{Header: header}).BasicAuth(); user != "cli" || password != "S%2BECRET" {
			t.Errorf("sent %q", header)
		}
	}
	if len(p.headers) != 2 {
		t.Errorf("%d requests", len(p.headers))
	}
}

// The ways to say that it is over.
func TestDevicePollsEnd(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]idtoken.Problem{
		"access_denied": idtoken.Cancelled, "authorization_declined": idtoken.Cancelled, "expired_token": idtoken.NoLogin, "invalid_grant": idtoken.WrongLogin,
	} {
		p := &provider{answers: []string{"authorization_pending", answer}}
		var waited []time.Duration
		if _, err := p.client(idtoken.Device, &waited).IDToken(t.Context(), ""); problem(err) != want || len(p.forms) != 2 {
			t.Errorf("%s: %d polls, %v", answer, len(p.forms), err)
		}
	}
}

func TestDeviceThatNobodyUses(t *testing.T) {
	t.Parallel()
	p := &provider{answers: []string{"authorization_pending"}}
	source := p.client(idtoken.Device, nil)
	source.Env.Endpoint.Clock = over{}
	if _, err := source.IDToken(t.Context(), ""); problem(err) != idtoken.NoLogin {
		t.Errorf("at the deadline: %v", err)
	}
	source.Env.Endpoint.Clock = over{errors.New("interrupted")}
	if _, err := source.IDToken(t.Context(), ""); problem(err) != "" || err.Error() != "interrupted" {
		t.Errorf("interrupted: %v", err)
	}
}

// over is a clock on which the time is over at the first wait.
type over struct{ err error }

func (over) Now() time.Time { return time.Time{} }

func (o over) Sleep(context.Context, time.Duration) error {
	if o.err == nil {
		return context.DeadlineExceeded
	}
	return o.err
}
