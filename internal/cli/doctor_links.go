// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/host"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/quay"
)

// links is the chain, in the order of a login but for the auth file, which a
// login looks at first.
func (p *patient) links() []link {
	var document issuer.Document
	links := []link{
		{"source", nil, p.source},
		{"ID token", []string{"source"}, p.idToken},
		{"claims", []string{"ID token"}, p.claims},
		{"issuer", []string{"ID token"}, func(ctx context.Context) (found string, err error) {
			document, found, err = p.issuer(ctx)
			return found, err
		}},
		{"keys", []string{"ID token", "issuer"}, func(ctx context.Context) (string, error) { return p.keys(ctx, document) }},
		{"registry", nil, p.registry},
		{"connection", []string{"registry"}, p.connection},
		{"clock", []string{"registry"}, p.clock},
		{"exchange", []string{"ID token", "registry"}, p.exchange},
		{"entries", []string{"ID token", "registry"}, p.entries},
		{"proof", []string{"exchange"}, p.proof},
	}
	for _, permission := range p.target.checks {
		links = append(links, link{permission.Action, []string{"proof"}, func(ctx context.Context) (string, error) { return p.permission(ctx, permission) }})
	}
	return append(links, link{"auth file", nil, p.authFile})
}

// source finds where the ID token comes from.
func (p *patient) source(ctx context.Context) (string, error) {
	source, err := p.app.idTokenSource(ctx, p.flags.identityFlags, p.verified)
	if err != nil {
		return "", err
	}
	p.visit.identify(source, nil, p.target.audience)
	return source.Name(), nil
}

// idToken gets the ID token and looks at its form.
func (p *patient) idToken(ctx context.Context) (string, error) {
	token, err := p.visit.idToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	p.visit.claims = token.Claims
	return fmt.Sprintf("a JWT of %d bytes, signed with %s and the key %s", len(token.Reveal()), orNone(token.Algorithm), orNone(token.KeyID)), nil
}

// claims says who this job is, and what is known to bite.
func (p *patient) claims(ctx context.Context) (string, error) {
	token, err := p.visit.idToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	now := p.app.env.Clock.Now()
	claims := token.Claims
	me := me{source: p.visit.source.Name(), claims: claims, asked: p.target.audience, size: len(token.Reveal()), now: now}
	for _, doubt := range me.doubts() {
		p.app.host.Warn(doubt)
	}
	for _, t := range traitsOf(claims) {
		if t.harmless {
			p.details = append(p.details, t.text(claims))
		}
	}
	return identity(claims) + ", until " + me.expires(), nil
}

// fromHere is what every trouble with an issuer has to be taken with.
const fromHere = "this is how it looks from this job; Quay asks from its own place, and the exchange below tells what it found"

// Quay reads the discovery document for at most 5 seconds, and the keys without
// a limit (measured).
const (
	documentLimit = 5 * time.Second
	keysLimit     = 20 * time.Second
)

// issuer reads the discovery document as Quay would. What this job does not
// reach, Quay may: so it is never more than a warning.
func (p *patient) issuer(ctx context.Context) (issuer.Document, string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, documentLimit, errTimeout{documentLimit})
	defer cancel()
	claims := p.visit.claims
	document, err := issuer.Discover(ctx, p.app.endpoint(p.flags.identityFlags, p.verified), claims.Issuer)
	switch {
	case err != nil:
		found, err := p.doubt(err)
		return document, found, err
	case document.Issuer != claims.Issuer:
		p.app.host.Warn(host.Message{
			Text:  fmt.Sprintf("the discovery document names %s, the ID token %s: before Quay 3.18 the slash at the end counts", document.Issuer, claims.Issuer),
			Hints: []string{"have the provider write its issuer in one way"},
		})
	}
	return document, "its discovery document is in order: " + discovery(claims), nil
}

// keys looks for the ID token's key as Quay would, and checks the signature.
func (p *patient) keys(ctx context.Context, document issuer.Document) (string, error) {
	if document.KeysURL == "" {
		return "", &skipped{"the issuer's discovery document was not read"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, keysLimit, errTimeout{keysLimit})
	defer cancel()
	keys, err := issuer.FetchKeys(ctx, p.app.endpoint(p.flags.identityFlags, p.verified), document)
	if err == nil {
		var token idtoken.Token
		if token, err = p.visit.idToken.IDToken(ctx); err == nil {
			err = keys.Verify(token)
		}
	}
	if err != nil {
		return p.doubt(err)
	}
	return fmt.Sprintf("%d at %s, and one fits the ID token's signature", keys.Len(), document.KeysURL), nil
}

// doubt makes a warning of what an issuer is like from here. A cancelled command
// is no doubt.
func (p *patient) doubt(err error) (string, error) {
	var unreachable *endpoint.Unreachable
	var fault *issuer.Fault
	var unbelievable *endpoint.Unbelievable
	switch {
	case errors.As(err, &unreachable):
		hints := append(networkHints(unreachable)[:1:1], fromHere)
		p.app.host.Warn(host.Message{Text: err.Error(), Hints: hints})
		return "not reached from here", nil
	case errors.As(err, &fault), errors.As(err, &unbelievable):
		p.app.host.Warn(host.Message{Text: err.Error(), Hints: []string{fromHere}})
		return "not as Quay needs it", nil
	}
	return "", err
}

// registry asks /v2/, as a login does.
func (p *patient) registry(ctx context.Context) (string, error) {
	challenge, err := p.visit.quay.Ping(ctx)
	if err != nil {
		return "", err
	}
	p.visit.challenge = challenge
	return p.target.registry.Host + ", which takes logins at " + orNone(challenge.Realm), nil
}

// clock compares the clock here with the registry's, which is the one that counts.
func (p *patient) clock(context.Context) (string, error) {
	skew, known := p.visit.quay.Skew()
	if !known {
		return "the registry does not tell its time", nil
	}
	p.visit.warnOfSkew()
	if s := skew.Abs().Round(time.Second); s > time.Second { // which is as exact as a Date is
		return fmt.Sprintf("%s apart from the registry's", s), nil
	}
	return "as the registry's", nil
}

// exchange shows Quay the ID token.
func (p *patient) exchange(ctx context.Context) (string, error) {
	if err := p.visit.preflight(p.visit.claims); err != nil {
		return "", err
	}
	m, err := p.visit.exchange(ctx, p.target)
	if err != nil {
		return "", err
	}
	p.minted = m
	return fmt.Sprintf("a robot token for %s, until %s (%s)", m.robot, clock(m.expiresAt), minutes(m.left)), nil
}

// proof shows the robot token to the registry, as every tool does.
func (p *patient) proof(ctx context.Context) (string, error) {
	if !p.flags.verify {
		return "", &skipped{"of --verify=false"}
	}
	alone := p.target
	alone.checks = nil
	if err := p.visit.prove(ctx, alone, p.minted.login()); err != nil {
		return "", err
	}
	return "the registry takes the robot token", nil
}

// permission asks for one permission. Push is asked only where pull is granted,
// since Quay would create a missing repository.
func (p *patient) permission(ctx context.Context, permission quay.Permission) (string, error) {
	if err := p.visit.check(ctx, p.target, p.minted.login(), permission); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s may %s %s", p.target.robot, permission.Action, permission.Repository), nil
}

// authFile finds where a login would be written and who would find it there.
// Nothing is written.
func (p *patient) authFile(context.Context) (string, error) {
	flags := loginFlags{mintFlags: p.flags.mintFlags, placeFlags: p.flags.placeFlags}
	p.app.warnOfNamespaces([]target{p.target})
	plan, err := p.app.plan(flags, keys([]target{p.target}))
	if err != nil {
		return "", err
	}
	if _, err := p.app.programs(planned(plan)); err != nil { // the helper could not read its settings either
		return "", err
	}
	var found []string
	for _, file := range planned(plan) {
		words := file.Path()
		if len(file.tools) > 0 {
			words += ", where " + enumerated(file.tools) + " look"
		}
		found = append(found, words)
	}
	return "a login would go to " + strings.Join(found, "; and to "), nil
}
