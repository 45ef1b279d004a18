// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// OIDC is an OpenID Connect provider: Keycloak, Red Hat's builds of it, and any other
// that signs with RSA.
type OIDC struct {
	Env    Env
	Client Client
	entra  bool // the source is entra
}

type session struct {
	OIDC
	provider                    provider
	secret, assertion, password Secret
	style                       oauth2.AuthStyle
	nonce                       string // of a login by browser
}

// IDToken asks the provider. Errors are those of package endpoint and [*Error].
func (o OIDC) IDToken(ctx context.Context, _ string) (Token, error) {
	s := &session{OIDC: o}
	if err := s.begin(ctx); err != nil {
		return Token{}, err
	}
	switch o.Client.Flow {
	case Code:
		return s.code(ctx)
	case Password:
		return s.token(s.byPassword(ctx))
	case Device:
		return s.token(s.device(ctx))
	default:
		return s.token(s.grant(ctx, url.Values{}, s.scopes(), false))
	}
}

// begin reads the secrets of files and variables, and then finds the provider.
func (s *session) begin(ctx context.Context) error {
	var errs [3]error
	s.secret, errs[0] = s.Env.read(s.Client.Secret, "the client's secret")
	s.assertion, errs[1] = s.Env.read(s.Client.Assertion, "the client's assertion")
	s.password, errs[2] = s.Env.read(s.Client.Password, "the user's password")
	err := late(cmp.Or(errs[:]...))
	if err == nil {
		s.provider, err = s.discover(ctx)
	}
	if err == nil {
		err = s.authenticate()
	}
	return err
}

// authenticate chooses the way that the provider's discovery document offers. It never
// tries a second one, which would show the secret again.
func (s *session) authenticate() error {
	offered := s.provider.AuthMethods
	switch {
	case s.Client.Assertion.Named(): // before a secret
		s.style, s.secret = oauth2.AuthStyleInParams, Secret{}
	case !s.Client.Secret.Named(), slices.Contains(offered, "client_secret_post") && !slices.Contains(offered, "client_secret_basic"):
		s.style = oauth2.AuthStyleInParams
	case len(offered) == 0, slices.Contains(offered, "client_secret_basic"): // none means basic (RFC 8414, section 2)
		s.style = oauth2.AuthStyleInHeader
	default:
		return missing(WrongClient, "the provider accepts no client secret, only %s", strings.Join(offered, ", "))
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

func options(params url.Values, more ...oauth2.AuthCodeOption) []oauth2.AuthCodeOption {
	for name := range params {
		more = append(more, oauth2.SetAuthURLParam(name, params.Get(name)))
	}
	return more
}

// byPassword is the resource owner's password grant. A person types the password only after
// the provider was found.
func (s *session) byPassword(ctx context.Context) (*oauth2.Token, error) {
	if !s.Client.Password.Named() {
		var err error
		if s.password, err = s.Env.Ask(ctx, "password of "+s.Client.Username+" at "+s.Client.Issuer+": "); err != nil {
			return nil, late(err)
		}
	}
	form := url.Values{"grant_type": {"password"}, "username": {s.Client.Username}, "password": {s.password.Reveal()}}
	return s.grant(ctx, form, s.scopes(), false)
}

// grant posts a grant to the token endpoint: client credentials, or the one in the form. Once
// is for a code, which must never be sent twice (RFC 6749, section 4.1.2).
func (s *session) grant(ctx context.Context, form url.Values, scopes []string, once bool) (*oauth2.Token, error) {
	if s.provider.TokenURL == "" {
		return nil, missing(NoSuchFlow, "the provider has no token_endpoint")
	}
	params := s.params()
	maps.Copy(params, form)
	config := clientcredentials.Config{
		ClientID: s.Client.ID, ClientSecret: s.secret.Reveal(), AuthStyle: s.style,
		TokenURL: s.provider.TokenURL, Scopes: scopes, EndpointParams: params,
	}
	return config.Token(s.through(ctx, "the token endpoint", once))
}

// token picks the token that the user wants from a provider's answer, and checks that it answers
// this request (OpenID Connect Core, section 3.1.3.7) and suits Quay. Quay verifies the signature.
func (s *session) token(answer *oauth2.Token, err error) (Token, error) {
	if err != nil {
		return Token{}, s.said(err)
	}
	identity, _ := answer.Extra("id_token").(string)
	access, _ := ParseToken(NewSecret(answer.AccessToken))
	asAsked := s.Client.Audience != "" && slices.Contains(access.Audience, s.Client.Audience) // an ID token is for the client
	chosen := identity
	if s.Client.Kind == AccessToken || s.Client.Kind != IDTokenKind && (identity == "" || asAsked) {
		chosen = answer.AccessToken
	}
	if chosen == "" {
		return Token{}, missing(Opaque, "the provider sent only an access token")
	}
	jwt, err := Usable(chosen)
	if bad, ok := errors.AsType[*Error](err); ok && bad.Problem == NotJWT && chosen != identity {
		return Token{}, missing(Opaque, "the provider sent only an access token that is not a JWT")
	}
	if err == nil && chosen == identity {
		err = s.ours(jwt.Claims)
	}
	if err == nil {
		err = fit(jwt.Claims)
	}
	return jwt, err
}

// ours checks that an ID token is from this provider, for this client, and for this
// login.
func (s *session) ours(claims Claims) error {
	switch {
	case claims.Issuer != s.provider.Issuer:
		return fail(NotThisLogin, "has the issuer %s, not %s", claims.Issuer, s.provider.Issuer)
	case !slices.Contains(claims.Audience, s.Client.ID):
		return fail(NotThisLogin, "has the audience %s, not the client %s", strings.Join(claims.Audience, ", "), s.Client.ID)
	case s.nonce != "" && claims.nonce != s.nonce:
		return fail(NotThisLogin, "is from another login: it has another nonce")
	}
	return nil
}
