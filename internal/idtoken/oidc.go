// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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

// Client is how to log in at an OIDC provider.
type Client struct {
	Issuer, ID string
	Flow       Flow
	// Secret, Assertion (RFC 7523, section 2.2) and Password are nil if there is none.
	Secret, Assertion, Password func(context.Context) (Secret, error)
	Username                    string
	Scope                       string // as the protocol has it: words with blanks between
	// Audience is what the token is for, if the provider must be told.
	Audience string
	Kind     Kind
	Port     int // of the loopback redirect, 0 for any
}

// OIDC is an OpenID Connect provider: Keycloak, Red Hat's builds of it, and any other
// that signs with RSA. The user must choose it.
type OIDC struct {
	chosen
	Env    Env
	Client Client
	// as is the source's name, if another source uses OIDC.
	as string
}

// Renewing is an OIDC source whose flow needs no person, so that it can get a new token
// at any time.
type Renewing struct {
	OIDC
	renewer
}

// Name is oidc.
func (o OIDC) Name() string { return cmp.Or(o.as, "oidc") }

// IDToken asks the provider. Errors are those of package endpoint and [*Error].
func (o OIDC) IDToken(ctx context.Context, _ string) (Token, error) {
	s := session{OIDC: o}
	err := s.read(ctx)
	if err == nil {
		s.provider, err = o.discover(ctx)
	}
	if err == nil {
		err = s.authenticate()
	}
	if err != nil {
		return Token{}, err
	}
	var token *oauth2.Token
	switch o.Client.Flow {
	case Password:
		token, err = s.byPassword(ctx)
	case Device:
		token, err = s.device(ctx)
	case Code:
		return s.code(ctx)
	default:
		token, err = s.grant(ctx, url.Values{}, s.scopes())
	}
	if err != nil {
		return Token{}, o.said(err)
	}
	return s.choose(token, "")
}

// session is one login at the provider.
type session struct {
	OIDC
	provider                    provider
	secret, assertion, password Secret
	style                       oauth2.AuthStyle
}

// read reads the secrets of files and variables, before the provider is asked.
func (s *session) read(ctx context.Context) error {
	for _, from := range []struct {
		read func(context.Context) (Secret, error)
		to   *Secret
	}{{s.Client.Secret, &s.secret}, {s.Client.Assertion, &s.assertion}, {s.Client.Password, &s.password}} {
		if from.read == nil {
			continue
		}
		var err error
		if *from.to, err = from.read(ctx); err != nil {
			return s.late(err)
		}
	}
	return nil
}

// authenticate chooses the way that the provider's discovery document offers. It never
// tries a second one, which would show the secret again.
func (s *session) authenticate() error {
	offered := s.provider.AuthMethods
	switch {
	case s.Client.Assertion != nil: // before a secret
		s.style, s.secret = oauth2.AuthStyleInParams, Secret{}
	case s.Client.Secret == nil: // a public client
		s.style = oauth2.AuthStyleInParams
	case len(offered) == 0, slices.Contains(offered, "client_secret_basic"): // none means basic (RFC 8414, section 2)
		s.style = oauth2.AuthStyleInHeader
	case slices.Contains(offered, "client_secret_post"):
		s.style = oauth2.AuthStyleInParams
	default:
		return &Error{Problem: WrongClient, Source: s.Name(), Detail: "cannot be asked for: the provider accepts no client secret, only " + strings.Join(offered, ", ")}
	}
	return nil
}

// scopes are the words of the scope, without any if it is empty.
func (s *session) scopes() []string { return strings.Fields(s.Client.Scope) }

// target says what the token is for: as audience, for Auth0 and INDIGO IAM, and if it is a
// URI also as resource (RFC 8707), for Authelia. Providers ignore parameters that they do
// not know (RFC 6749, section 3.2).
func (s *session) target() url.Values {
	target := url.Values{}
	if s.Client.Audience != "" {
		target.Set("audience", s.Client.Audience)
	}
	if u, err := url.Parse(s.Client.Audience); err == nil && u.IsAbs() && u.Fragment == "" {
		target.Set("resource", s.Client.Audience)
	}
	return target
}

// params are the target and, instead of a secret, the client's assertion.
func (s *session) params() url.Values {
	params := s.target()
	if !s.assertion.Empty() {
		params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		params.Set("client_assertion", s.assertion.Reveal())
	}
	return params
}

// options are parameters as package oauth2 wants them.
func options(params url.Values, more ...oauth2.AuthCodeOption) []oauth2.AuthCodeOption {
	for name := range params {
		more = append(more, oauth2.SetAuthURLParam(name, params.Get(name)))
	}
	return more
}

// byPassword is the resource owner's password grant. A person types the password only after
// the provider was found.
func (s *session) byPassword(ctx context.Context) (*oauth2.Token, error) {
	if s.Client.Password == nil {
		var err error
		if s.password, err = s.Env.Ask(ctx, fmt.Sprintf("password of %s at %s: ", s.Client.Username, s.Client.Issuer)); err != nil {
			return nil, s.late(err)
		}
	}
	return s.grant(ctx, url.Values{"grant_type": {"password"}, "username": {s.Client.Username}, "password": {s.password.Reveal()}}, s.scopes())
}

// grant posts a grant to the token endpoint: client credentials, or the one that
// extra names.
func (s *session) grant(ctx context.Context, extra url.Values, scopes []string) (*oauth2.Token, error) {
	if s.provider.TokenURL == "" {
		return nil, &Error{Problem: NoSuchFlow, Source: s.Name(), Detail: "cannot be asked for: the provider's discovery names no token_endpoint"}
	}
	params := s.params()
	maps.Copy(params, extra)
	config := clientcredentials.Config{
		ClientID: s.Client.ID, ClientSecret: s.secret.Reveal(), AuthStyle: s.style,
		TokenURL: s.provider.TokenURL, Scopes: scopes, EndpointParams: params,
	}
	return config.Token(s.through(ctx, asker{name: "the token endpoint of " + host(s.provider.TokenURL)}))
}

// choose picks the token that the user wants, and checks that it answers this request
// (OpenID Connect Core, section 3.1.3.7) and suits Quay. Quay verifies the signature.
func (s *session) choose(token *oauth2.Token, nonce string) (Token, error) {
	identity, _ := token.Extra("id_token").(string)
	chosen := identity
	if s.Client.Kind == AccessToken || s.Client.Kind != IDTokenKind && (identity == "" || s.asAsked(token.AccessToken)) {
		chosen = token.AccessToken
	}
	if chosen == "" {
		return Token{}, &Error{Problem: Opaque, Source: s.Name(), Detail: "is not there: the provider gave an access token only"}
	}
	jwt, err := Usable(s.Name(), chosen)
	var none *Error
	if errors.As(err, &none) && none.Problem == NotJWT && chosen != identity {
		return Token{}, &Error{Problem: Opaque, Source: s.Name()}
	}
	if err == nil && chosen == identity {
		err = s.ours(jwt.Claims, nonce)
	}
	if err == nil {
		err = fit(s.Name(), jwt.Claims)
	}
	return jwt, err
}

// asAsked reports an access token for the audience that was asked for. An ID token is for
// the client.
func (s *session) asAsked(access string) bool {
	token, err := ParseToken(NewSecret(access))
	return s.Client.Audience != "" && err == nil && slices.Contains(token.Audience, s.Client.Audience)
}

// ours checks that an ID token is from this provider, for this client, and for this
// login.
func (s *session) ours(claims Claims, nonce string) error {
	detail := ""
	switch {
	case claims.Issuer != s.provider.Issuer:
		detail = fmt.Sprintf("says that it is of %s, not of %s", claims.Issuer, s.provider.Issuer)
	case !slices.Contains(claims.Audience, s.Client.ID):
		detail = fmt.Sprintf("is for %s, not for the client %s", strings.Join(claims.Audience, ", "), s.Client.ID)
	case claims.nonce != nonce && nonce != "":
		detail = "is not of this login: its nonce is another"
	default:
		return nil
	}
	return &Error{Problem: NotThisLogin, Source: s.Name(), Detail: detail}
}
