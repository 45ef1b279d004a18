// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
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
	config                 oauth2.Config
	state, nonce, verifier string
	came                   chan arrival
	taken                  atomic.Bool   // by the first browser that came
	strays                 chan struct{} // full where an answer to another login came
}

// arrival is a browser that returned with this login's state and waits for its page.
type arrival struct {
	code   string
	err    error
	became chan<- error // tells what became of the login
}

// code lets a person log in with a browser on this machine: authorization code with PKCE
// (RFC 7636). The browser returns to a port of the loopback address.
func (s *session) code(ctx context.Context) (Token, error) {
	if s.provider.AuthURL == "" || s.provider.TokenURL == "" {
		return Token{}, &Error{Problem: NoSuchFlow, Source: s.Name(), Detail: "cannot be asked for: the provider has no authorization_endpoint"}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Client.Port)))
	if err != nil {
		return Token{}, &Error{Problem: PortTaken, Source: s.Name(), Err: err}
	}
	l := &login{
		session: s, state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier(),
		came: make(chan arrival), strays: make(chan struct{}, 1),
		config: oauth2.Config{
			ClientID: s.Client.ID, ClientSecret: s.secret.Reveal(), Scopes: s.scopes(),
			RedirectURL: "http://" + listener.Addr().String() + callback,
			Endpoint:    oauth2.Endpoint{AuthURL: s.provider.AuthURL, TokenURL: s.provider.TokenURL, AuthStyle: s.style},
		},
	}
	way := serveBack(listener, l.answer)
	defer way.close()
	return l.wait(ctx)
}

// wait sends the person to the provider and waits for the browser.
func (l *login) wait(ctx context.Context) (Token, error) {
	address := l.config.AuthCodeURL(l.state, options(l.target(), oauth2.S256ChallengeOption(l.verifier), oauth2.SetAuthURLParam("nonce", l.nonce))...)
	l.Env.Say("to log in, open this address in a browser on this machine: " + address)
	l.Env.Browse(ctx, address)
	defer l.Env.Endpoint.WaitFor("you to log in")()
	select {
	case arrived := <-l.came:
		token, err := l.finish(ctx, arrived)
		arrived.became <- err
		return token, err
	case <-ctx.Done():
		err := l.late(context.Cause(ctx))
		select {
		case <-l.strays:
			if late, ok := err.(*Error); ok { //nolint:errorlint // just made
				late.Detail = "did not come: a browser came back from another login, none from this one"
			}
		default:
		}
		return Token{}, err
	}
}

// finish exchanges the code, which must never be sent twice (RFC 6749, section 4.1.2).
func (l *login) finish(ctx context.Context, arrived arrival) (Token, error) {
	if arrived.err != nil {
		return Token{}, arrived.err
	}
	l.Env.Hidden(NewSecret(l.verifier))
	l.Env.Hidden(NewSecret(arrived.code))
	endpoint := l.through(ctx, asker{name: "the token endpoint of " + host(l.provider.TokenURL), once: true})
	token, err := l.config.Exchange(endpoint, arrived.code, options(l.params(), oauth2.VerifierOption(l.verifier))...)
	if err != nil {
		return Token{}, l.said(err)
	}
	return l.choose(token, l.nonce)
}

// answer makes the browser's page. It rejects another login's state and continues to
// wait, because any page in the browser could send that.
func (l *login) answer(ctx context.Context, r *http.Request) page {
	query := r.URL.Query()
	switch {
	case r.Method != http.MethodGet || r.URL.Path != callback:
		return page{http.StatusNotFound, "Nothing is here", "quay-keyless waits for a login at another address."}
	case subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) != 1:
		select {
		case l.strays <- struct{}{}:
		default:
		}
		return page{http.StatusBadRequest, "This is not the login that quay-keyless waits for", "The answer is of another login. Open the address that quay-keyless printed last."}
	case l.taken.Swap(true): // a page loaded again
		return page{http.StatusGone, "This login is over", "You can close this page."}
	}
	became := make(chan error, 1)
	select {
	case l.came <- arrival{code: query.Get("code"), err: l.brought(query.Get), became: became}:
		return outcome(<-became)
	case <-ctx.Done():
		return page{http.StatusGone, "This login is over", "quay-keyless no longer waits for it. You can close this page."}
	}
}

// brought finds the error that the provider sent instead of a code, or another issuer
// (RFC 6749, section 4.1.2.1; RFC 9207).
func (l *login) brought(get func(string) string) error {
	issuer := get("iss")
	switch {
	case issuer != "" && issuer != l.provider.Issuer, issuer == "" && l.provider.NamesItself:
		return &Error{Problem: NotThisLogin, Source: l.Name(), Detail: fmt.Sprintf("is not taken: the browser came back from %q, not from %s", firstLine(issuer), l.provider.Issuer)}
	case get("error") == "access_denied":
		return &Error{Problem: Cancelled, Source: l.Name()}
	case get("error") != "":
		return l.refusal(&oauth2.RetrieveError{
			Response: &http.Response{StatusCode: http.StatusBadRequest}, ErrorCode: firstLine(get("error")), ErrorDescription: get("error_description"),
		})
	case get("code") == "":
		return &Error{Problem: Denied, Source: l.Name(), Detail: "is not there: the browser brought no code"}
	}
	return nil
}
