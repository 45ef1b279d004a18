// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

const callback = "/callback"

// login is one login by browser (RFC 8252).
type login struct {
	*session
	redirect        string // the address that the browser returns to
	state, verifier string // what it must return with, and what proves the code to be ours
	done            chan outcome
	taken           atomic.Bool // by the first browser that came
	stray           atomic.Bool // an answer to another login came
}

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
	s.nonce = rand.Text()
	l := &login{
		session: s, redirect: "http://" + listener.Addr().String() + callback,
		state: rand.Text(), verifier: oauth2.GenerateVerifier(), done: make(chan outcome, 1),
	}
	defer serveBack(listener, func(r *http.Request) page { return l.answer(ctx, r) })()
	config := oauth2.Config{ClientID: s.Client.ID, Scopes: s.scopes(), RedirectURL: l.redirect, Endpoint: oauth2.Endpoint{AuthURL: s.provider.AuthURL}}
	address := config.AuthCodeURL(l.state, options(s.target(), oauth2.S256ChallengeOption(l.verifier), oauth2.SetAuthURLParam("nonce", s.nonce))...)
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

func (l *login) finish(ctx context.Context, query url.Values) (Token, error) {
	if err := l.brought(query.Get); err != nil {
		return Token{}, err
	}
	l.Env.hidden(l.verifier)
	return l.token(l.grant(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {l.Env.hidden(query.Get("code")).Reveal()},
		"redirect_uri": {l.redirect}, "code_verifier": {l.verifier},
	}, nil, true))
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

type page struct {
	status       int
	title, words string
}

// response is the page over HTTP/1.1. It loads nothing, is not cached, and sends no
// referrer, because its address holds the code.
func (p page) response() *http.Response {
	title, words := html.EscapeString(p.title), html.EscapeString(p.words)
	text := fmt.Sprintf("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n</html>\n", title, title, words)
	return &http.Response{
		StatusCode: p.status, ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
		Header: http.Header{
			"Content-Type":            {"text/html; charset=utf-8"},
			"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
			"Referrer-Policy":         {"no-referrer"},
			"Cache-Control":           {"no-store"},
		},
	}
}

const (
	maxRequest = 64 << 10
	// pageTime limits sending the page. Reading the request has no limit, because
	// browsers open connections in advance.
	pageTime = 2 * time.Second
)

// serveBack answers each connection's one request, until end, which waits until the open
// requests have their page. An [http.Server] would add 0.7 MB to the program.
func serveBack(listener net.Listener, answer func(*http.Request) page) (end func()) {
	ctx, over := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(ctx, connection, answer) })
		}
	})
	return func() {
		over()
		_ = listener.Close()
		serving.Wait()
	}
}

func serve(ctx context.Context, connection net.Conn, answer func(*http.Request) page) {
	defer connection.Close() //nolint:errcheck // nothing more is said on it
	abandon := context.AfterFunc(ctx, func() { _ = connection.SetReadDeadline(time.Now()) })
	request, err := http.ReadRequest(bufio.NewReader(io.LimitReader(connection, maxRequest)))
	abandon()
	if err != nil {
		return
	}
	shown := answer(request)
	_ = connection.SetWriteDeadline(time.Now().Add(pageTime))
	_ = shown.response().Write(connection)
}
