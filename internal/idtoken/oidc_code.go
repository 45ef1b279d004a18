// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"golang.org/x/oauth2"
)

// callback is the path that the browser returns to.
const callback = "/callback"

// login is one login by browser (RFC 8252): what the browser took along, and what it
// must bring back.
type login struct {
	*session
	redirect               string // where the browser returns to
	state, nonce, verifier string
	done                   chan outcome
	taken                  atomic.Bool // by the first browser that came
	stray                  atomic.Bool // an answer to another login came
}

// outcome is what became of the login.
type outcome struct {
	token Token
	err   error
}

// code lets a person log in with a browser on this machine: authorization code with PKCE
// (RFC 7636). The browser returns to a port of the loopback address.
func (s *session) code(ctx context.Context) (Token, error) {
	if s.provider.AuthURL == "" || s.provider.TokenURL == "" {
		return Token{}, missing(NoSuchFlow, "the provider has no authorization_endpoint")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Client.Port)))
	if err != nil {
		return Token{}, &Error{Problem: PortTaken, Missing: true, Detail: "cannot wait for the browser", Err: err}
	}
	l := &login{
		session: s, redirect: "http://" + listener.Addr().String() + callback,
		state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), done: make(chan outcome, 1),
	}
	defer serveBack(listener, func(r *http.Request) page { return l.answer(ctx, r) })()
	config := oauth2.Config{ClientID: s.Client.ID, Scopes: s.scopes(), RedirectURL: l.redirect, Endpoint: oauth2.Endpoint{AuthURL: s.provider.AuthURL}}
	address := config.AuthCodeURL(l.state, options(s.target(), oauth2.S256ChallengeOption(l.verifier), oauth2.SetAuthURLParam("nonce", l.nonce))...)
	s.Env.Say("to log in, open this address in a browser on this machine: " + address)
	s.Env.Browse(ctx, address)
	defer s.Env.Endpoint.WaitFor("you to log in")()
	select {
	case came := <-l.done:
		return came.token, came.err
	case <-ctx.Done():
		err := late(context.Cause(ctx))
		if late, ok := errors.AsType[*Error](err); ok && l.stray.Load() {
			late.Detail = "the browser came back from another login, not from this one"
		}
		return Token{}, err
	}
}

// answer finishes the login and makes the browser's page. It rejects another login's state
// and continues to wait, because any page in the browser could send that.
func (l *login) answer(ctx context.Context, r *http.Request) page {
	query := r.URL.Query()
	switch {
	case r.Method != http.MethodGet || r.URL.Path != callback:
		return page{http.StatusNotFound, "Nothing is here", "quay-keyless waits for a login at another address."}
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) != 1:
		l.stray.Store(true)
		return page{http.StatusBadRequest, "This is not the login that quay-keyless waits for", "Open the address that quay-keyless printed last."}
	case l.taken.Swap(true): // a page loaded again
		return page{http.StatusGone, "This login is over", "You can close this page."}
	}
	token, err := l.finish(ctx, query)
	l.done <- outcome{token, err}
	if err != nil {
		return page{http.StatusOK, "The login failed", "quay-keyless shows why, and how to fix it. You can close this page."}
	}
	return page{http.StatusOK, "You are logged in", "quay-keyless has its ID token. You can close this page."}
}

// finish exchanges the code.
func (l *login) finish(ctx context.Context, query url.Values) (Token, error) {
	if err := l.brought(query.Get); err != nil {
		return Token{}, err
	}
	l.Env.hidden(l.verifier)
	token, err := l.grant(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {l.Env.hidden(query.Get("code")).Reveal()},
		"redirect_uri": {l.redirect}, "code_verifier": {l.verifier},
	}, nil, true)
	if err != nil {
		return Token{}, l.said(err)
	}
	return l.choose(token, l.nonce)
}

// brought finds the error that the provider sent instead of a code, or another issuer
// (RFC 6749, section 4.1.2.1; RFC 9207).
func (l *login) brought(get func(string) string) error {
	issuer := get("iss")
	switch {
	case issuer != "" && issuer != l.provider.Issuer, issuer == "" && l.provider.NamesItself:
		return missing(NotThisLogin, "the browser came back from %q, not from %s", firstLine(issuer), l.provider.Issuer)
	case get("error") != "":
		return l.refusal(&oauth2.RetrieveError{
			Response: &http.Response{StatusCode: http.StatusBadRequest}, ErrorCode: firstLine(get("error")), ErrorDescription: get("error_description"),
		})
	case get("code") == "":
		return missing(Denied, "the browser came back without a code")
	}
	return nil
}
