// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Flow is how to get a token from an OIDC provider.
type Flow string

// The flows: RFC 6749, sections 4.4, 4.3 and 4.1 (with RFC 7636 and RFC 8252),
// and RFC 8628.
const (
	ClientCredentials Flow = "client-credentials"
	Password          Flow = "password"
	Code              Flow = "code"
	Device            Flow = "device"
)

// Flows are all of them.
var Flows = []Flow{ClientCredentials, Password, Device, Code}

// Interactive reports whether a person takes part.
func (f Flow) Interactive() bool { return f == Device || f == Code }

// Kind is which of the provider's tokens to send to Quay.
type Kind string

// The kinds. Auto is the ID token, or the access token where there is no other.
const (
	Auto        Kind = "auto"
	IDTokenKind Kind = "id_token"
	AccessToken Kind = "access_token"
)

// Kinds are all of them.
var Kinds = []Kind{Auto, IDTokenKind, AccessToken}

// Client is how to log in at an OIDC provider. A missing secret is nil; they are read
// when needed.
type Client struct {
	Issuer, ID string
	Flow       Flow
	Secret     func(context.Context) (Secret, error)
	Assertion  func(context.Context) (Secret, error) // RFC 7523, section 2.2
	Username   string
	Password   func(context.Context) (Secret, error)
	Scope      string // as the protocol has it: words with blanks between
	Kind       Kind
	Port       int // of the loopback redirect, 0 for any
}

// OIDC is an OpenID Connect provider: Keycloak, Red Hat's builds of it, and any other
// that signs with RSA. The user must choose it.
type OIDC struct {
	Env    Env
	Client Client
	// as is the source's name, if another source uses OIDC.
	as string
}

// Name is oidc.
func (o OIDC) Name() string {
	if o.as != "" {
		return o.as
	}
	return "oidc"
}

// Present is false: see [OIDC].
func (OIDC) Present() bool { return false }

// IDToken asks the provider, which chooses the token's audience. Errors are those of
// package endpoint and [*Error].
func (o OIDC) IDToken(ctx context.Context, _ string) (Token, error) {
	p, err := o.discover(ctx)
	if err != nil {
		return Token{}, err
	}
	var token *oauth2.Token
	switch o.Client.Flow {
	case Password:
		token, err = o.password(ctx, p)
	case Device:
		token, err = o.device(ctx, p)
	case Code:
		return o.code(ctx, p)
	default:
		token, err = o.grant(ctx, p, url.Values{}, strings.Fields(o.Client.Scope))
	}
	if err != nil {
		return Token{}, o.said(err)
	}
	return o.choose(p, token, "")
}

// Renewing is an OIDC source whose flow needs no person, so that it can get a new token
// at any time.
type Renewing struct {
	OIDC
	renewer
}

// password is the resource owner's password grant. It reads the password first, because
// a person may have to type it.
func (o OIDC) password(ctx context.Context, p provider) (*oauth2.Token, error) {
	password, err := o.Client.Password(ctx)
	if err != nil {
		return nil, o.late(err)
	}
	return o.grant(ctx, p, url.Values{
		"grant_type": {"password"}, "username": {o.Client.Username}, "password": {password.Reveal()},
	}, strings.Fields(o.Client.Scope))
}

// grant posts a grant to the token endpoint: client credentials, or the one that
// extra names.
func (o OIDC) grant(ctx context.Context, p provider, extra url.Values, scopes []string) (*oauth2.Token, error) {
	if p.TokenURL == "" {
		return nil, &Error{Problem: NoSuchFlow, Source: o.Name(), Detail: "cannot be asked for: the provider's discovery names no token_endpoint"}
	}
	who, err := o.authenticate(ctx, p)
	if err != nil {
		return nil, err
	}
	for name, values := range who.params {
		extra[name] = values
	}
	config := clientcredentials.Config{
		ClientID: o.Client.ID, ClientSecret: who.secret.Reveal(), AuthStyle: who.style,
		TokenURL: p.TokenURL, Scopes: scopes, EndpointParams: extra,
	}
	return config.Token(o.through(ctx, asker{name: "the token endpoint of " + host(p.TokenURL)}))
}

// identity proves the client to the provider.
type identity struct {
	style  oauth2.AuthStyle
	secret Secret
	params url.Values
}

// authenticate uses the way that the provider's discovery document offers. It never
// tries a second one, which would show the secret again.
func (o OIDC) authenticate(ctx context.Context, p provider) (identity, error) {
	switch {
	case o.Client.Assertion != nil:
		assertion, err := o.Client.Assertion(ctx)
		return identity{style: oauth2.AuthStyleInParams, params: url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion.Reveal()},
		}}, err
	case o.Client.Secret == nil:
		return identity{style: oauth2.AuthStyleInParams}, nil // a public client
	}
	secret, err := o.Client.Secret(ctx)
	style := oauth2.AuthStyleInHeader // which a discovery without the field means (RFC 8414, section 2)
	if len(p.AuthMethods) > 0 && !slices.Contains(p.AuthMethods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
		if !slices.Contains(p.AuthMethods, "client_secret_post") {
			return identity{}, &Error{Problem: WrongClient, Source: o.Name(), Detail: fmt.Sprintf("cannot be asked for: the provider takes no client secret, only %s", strings.Join(p.AuthMethods, ", "))}
		}
	}
	return identity{style: style, secret: secret}, err
}

// choose picks the token that the user wants, and checks that it answers this request
// (OpenID Connect Core, section 3.1.3.7) and suits Quay. Quay verifies the signature.
func (o OIDC) choose(p provider, token *oauth2.Token, nonce string) (Token, error) {
	identityToken, _ := token.Extra("id_token").(string)
	chosen := identityToken
	if o.Client.Kind == AccessToken || o.Client.Kind != IDTokenKind && identityToken == "" {
		chosen = token.AccessToken
	}
	if chosen == "" {
		return Token{}, &Error{Problem: Opaque, Source: o.Name(), Detail: "is not there: the provider gave an access token only"}
	}
	jwt, err := Usable(o.Name(), chosen)
	var none *Error
	if errors.As(err, &none) && none.Problem == NotJWT && chosen != identityToken {
		return Token{}, &Error{Problem: Opaque, Source: o.Name()}
	}
	if err == nil && chosen == identityToken {
		err = o.ours(p, jwt.Claims, nonce)
	}
	if err == nil {
		err = fit(o.Name(), jwt.Claims)
	}
	return jwt, err
}

// ours checks that an ID token is from this provider, for this client, and for this
// login.
func (o OIDC) ours(p provider, claims Claims, nonce string) error {
	detail := ""
	switch {
	case claims.Issuer != p.Issuer:
		detail = fmt.Sprintf("says that it is of %s, not of %s", claims.Issuer, p.Issuer)
	case !slices.Contains(claims.Audience, o.Client.ID):
		detail = fmt.Sprintf("is for %s, not for the client %s", strings.Join(claims.Audience, ", "), o.Client.ID)
	case claims.nonce != nonce && nonce != "":
		detail = "is not of this login: its nonce is another"
	default:
		return nil
	}
	return &Error{Problem: NotThisLogin, Source: o.Name(), Detail: detail}
}
