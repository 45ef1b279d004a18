// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/explain"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
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
	for _, permission := range p.target.Checks {
		links = append(links, link{permission.Action, []string{"proof"}, func(ctx context.Context) (string, error) { return p.permission(ctx, permission) }})
	}
	return append(links, link{"auth file", nil, p.authFile})
}

// source finds where the ID token comes from.
func (p *patient) source(ctx context.Context) (string, error) {
	source, err := login.Source(ctx, p.app, p.flags.IdentityFlags, p.verified)
	if err != nil {
		return "", err
	}
	p.visit.Identify(source, nil, p.target.Audience)
	return source.Name(), nil
}

// idToken gets the ID token and looks at its form.
func (p *patient) idToken(ctx context.Context) (string, error) {
	token, err := p.visit.IDToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	p.visit.Claims = token.Claims
	return fmt.Sprintf("a JWT of %d bytes, signed with %s and the key %s", len(token.Reveal()), platform.OrNone(token.Algorithm), platform.OrNone(token.KeyID)), nil
}

// claims says who this job is, and what is known to bite.
func (p *patient) claims(ctx context.Context) (string, error) {
	token, err := p.visit.IDToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	now := p.app.Env.Clock.Now()
	claims := token.Claims
	me := explain.Identity{Source: p.visit.Source.Name(), Claims: claims, Asked: p.target.Audience, Size: len(token.Reveal()), Now: now}
	for _, doubt := range me.Doubts() {
		p.app.Platform.Warn(doubt)
	}
	for _, t := range explain.TraitsOf(claims) {
		if t.Harmless {
			p.details = append(p.details, t.Text(claims))
		}
	}
	return explain.Described(claims) + ", until " + me.Expires(), nil
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
	ctx, cancel := context.WithTimeoutCause(ctx, documentLimit, request.ErrTimeout{Limit: documentLimit})
	defer cancel()
	claims := p.visit.Claims
	document, err := issuer.Discover(ctx, login.Endpoint(p.app, p.flags.IdentityFlags, p.verified), claims.Issuer)
	switch {
	case err != nil:
		found, err := p.doubt(err)
		return document, found, err
	case document.Issuer != claims.Issuer:
		p.app.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the discovery document names %s, the ID token %s: before Quay 3.18 the slash at the end counts", document.Issuer, claims.Issuer),
			Hints: []string{"have the provider write its issuer in one way"},
		})
	}
	return document, "its discovery document is in order: " + explain.Discovery(claims), nil
}

// keys looks for the ID token's key as Quay would, and checks the signature.
func (p *patient) keys(ctx context.Context, document issuer.Document) (string, error) {
	if document.KeysURL == "" {
		return "", &skipped{"the issuer's discovery document was not read"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, keysLimit, request.ErrTimeout{Limit: keysLimit})
	defer cancel()
	keys, err := issuer.FetchKeys(ctx, login.Endpoint(p.app, p.flags.IdentityFlags, p.verified), document)
	if err == nil {
		var token idtoken.Token
		if token, err = p.visit.IDToken.IDToken(ctx); err == nil {
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
		hints := append(explain.NetworkHints(unreachable)[:1:1], fromHere)
		p.app.Platform.Warn(platform.Message{Text: err.Error(), Hints: hints})
		return "not reached from here", nil
	case errors.As(err, &fault), errors.As(err, &unbelievable):
		p.app.Platform.Warn(platform.Message{Text: err.Error(), Hints: []string{fromHere}})
		return "not as Quay needs it", nil
	}
	return "", err
}

// registry asks /v2/, as a login does.
func (p *patient) registry(ctx context.Context) (string, error) {
	challenge, err := p.visit.Quay.Ping(ctx)
	if err != nil {
		return "", err
	}
	p.visit.Challenge = challenge
	return p.target.Registry.Host + ", which takes logins at " + platform.OrNone(challenge.Realm), nil
}

// clock compares the clock here with the registry's, which is the one that counts.
func (p *patient) clock(context.Context) (string, error) {
	skew, known := p.visit.Quay.Skew()
	if !known {
		return "the registry does not tell its time", nil
	}
	p.visit.WarnOfSkew()
	if s := skew.Abs().Round(time.Second); s > time.Second { // which is as exact as a Date is
		return fmt.Sprintf("%s apart from the registry's", s), nil
	}
	return "as the registry's", nil
}

// exchange shows Quay the ID token.
func (p *patient) exchange(ctx context.Context) (string, error) {
	if err := p.visit.Preflight(p.visit.Claims); err != nil {
		return "", err
	}
	m, err := p.visit.Exchange(ctx, p.target)
	if err != nil {
		return "", err
	}
	p.minted = m
	return fmt.Sprintf("a robot token for %s, until %s (%s)", m.Robot, platform.Clock(m.ExpiresAt), platform.Minutes(m.Left)), nil
}

// proof shows the robot token to the registry, as every tool does.
func (p *patient) proof(ctx context.Context) (string, error) {
	if !p.flags.Verify {
		return "", &skipped{"of --verify=false"}
	}
	alone := p.target
	alone.Checks = nil
	if err := p.visit.Prove(ctx, alone, p.minted.Login()); err != nil {
		return "", err
	}
	return "the registry takes the robot token", nil
}

// permission asks for one permission. Push is asked only where pull is granted,
// since Quay would create a missing repository.
func (p *patient) permission(ctx context.Context, permission quay.Permission) (string, error) {
	if err := p.visit.Check(ctx, p.target, p.minted.Login(), permission); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s may %s %s", p.target.Robot, permission.Action, permission.Repository), nil
}

// authFile finds where a login would be written and who would find it there.
// Nothing is written.
func (p *patient) authFile(context.Context) (string, error) {
	flags := login.Flags{MintFlags: p.flags.MintFlags, PlaceFlags: p.flags.PlaceFlags}
	login.WarnOfNamespaces(p.app, []request.Target{p.target})
	plan, err := login.Plan(p.app, flags, request.Keys([]request.Target{p.target}))
	if err != nil {
		return "", err
	}
	if _, err := login.Programs(p.app, login.Planned(plan)); err != nil { // the helper could not read its settings either
		return "", err
	}
	var found []string
	for _, file := range login.Planned(plan) {
		words := file.Path()
		if len(file.Tools) > 0 {
			words += ", where " + login.Enumerated(file.Tools) + " look"
		}
		found = append(found, words)
	}
	return "a login would go to " + strings.Join(found, "; and to "), nil
}
