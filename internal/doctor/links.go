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
	"quay-keyless/internal/federation"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/issuer"
	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// links are in the order of a login, except that a login looks at the auth file first.
func (c *chain) links() []link {
	var document issuer.Document
	links := []link{
		{"source", nil, c.source},
		{"ID token", []string{"source"}, c.idToken},
		{"claims", []string{"ID token"}, c.claims},
		{"issuer", []string{"ID token"}, func(ctx context.Context) (found string, err error) {
			document, found, err = c.issuer(ctx)
			return found, err
		}},
		{"keys", []string{"ID token", "issuer"}, func(ctx context.Context) (string, error) { return c.keys(ctx, document) }},
		{"registry", nil, c.registry},
		{"connection", []string{"registry"}, c.connection},
		{"clock", []string{"registry"}, c.clock},
		{"exchange", []string{"ID token", "registry"}, c.exchange},
		{"entries", []string{"ID token", "registry"}, c.entries},
		{"proof", []string{"exchange"}, c.proof},
	}
	for _, permission := range c.target.Checks {
		links = append(links, link{permission.Action, []string{"proof"}, func(ctx context.Context) (string, error) { return c.permission(ctx, permission) }})
	}
	return append(links, link{"auth file", nil, c.authFile})
}

// source finds where the ID token comes from.
func (c *chain) source(ctx context.Context) (string, error) {
	source, err := login.Source(ctx, c.run, c.flags.IdentityFlags, c.verified)
	if err != nil {
		return "", err
	}
	c.visit.Identify(source, c.target.Audience)
	return source.Name, nil
}

// idToken gets the ID token and looks at its form.
func (c *chain) idToken(ctx context.Context) (string, error) {
	token, err := c.visit.IDToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	c.visit.Claims = token.Claims
	return fmt.Sprintf("a JWT of %d bytes, signed with %s and the key %s", len(token.Reveal()), platform.OrNone(token.Algorithm), platform.OrNone(token.KeyID)), nil
}

// claims says who this job is, and warns of what often causes problems.
func (c *chain) claims(ctx context.Context) (string, error) {
	token, err := c.visit.IDToken.IDToken(ctx)
	if err != nil {
		return "", err
	}
	now := c.run.Env.Clock.Now()
	claims := token.Claims
	me := explain.Identity{Source: c.visit.IDToken.Source.Name, Claims: claims, Registry: c.target.Registry.Host, Asked: c.target.Audience, Size: len(token.Reveal()), Now: now}
	for _, doubt := range me.Doubts() {
		c.run.Platform.Warn(doubt)
	}
	for _, t := range explain.TraitsOf(claims, c.target.Registry.Host) {
		if t.Harmless {
			c.details = append(c.details, t.Text(claims))
		}
	}
	return described(claims) + ", until " + me.Expires(), nil
}

// described is what an ID token says about the job.
func described(claims idtoken.Claims) string {
	audience := "no audience"
	if len(claims.Audience) > 0 {
		audience = "audience " + strings.Join(claims.Audience, ", ")
	}
	return fmt.Sprintf("issuer %s, subject %s, %s", platform.OrNone(claims.Issuer), platform.OrNone(claims.Subject), audience)
}

// fromHere qualifies every problem with an issuer.
const fromHere = "Checked from this job. Quay may see it differently: see the link exchange."

// Quay waits 5 seconds for the discovery document, and without a limit for the keys.
const (
	documentLimit = 5 * time.Second
	keysLimit     = 20 * time.Second
)

// issuer reads the discovery document as Quay does. A problem is only a warning, because
// Quay may reach what this job cannot.
func (c *chain) issuer(ctx context.Context) (issuer.Document, string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, documentLimit, request.ErrTimeout{Limit: documentLimit})
	defer cancel()
	claims := c.visit.Claims
	document, err := issuer.Discover(ctx, login.Endpoint(c.run, c.flags.IdentityFlags, c.verified), claims.Issuer)
	switch {
	case err != nil:
		found, err := c.doubt(err)
		return document, found, err
	case document.Issuer != claims.Issuer:
		c.run.Platform.Warn(platform.Message{
			Text:  fmt.Sprintf("the discovery document names %s, the ID token %s: before Quay 3.18 the slash at the end counts", document.Issuer, claims.Issuer),
			Hints: []string{"have the provider write its issuer in one way"},
		})
	}
	return document, "its discovery document is in order: " + idtoken.DiscoveryURL(claims.Issuer), nil
}

// keys looks for the ID token's key as Quay does, and verifies the signature.
func (c *chain) keys(ctx context.Context, document issuer.Document) (string, error) {
	if document.KeysURL == "" {
		return "", &skipped{"the issuer's discovery document was not read"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, keysLimit, request.ErrTimeout{Limit: keysLimit})
	defer cancel()
	keys, err := issuer.FetchKeys(ctx, login.Endpoint(c.run, c.flags.IdentityFlags, c.verified), document)
	if err == nil {
		var token idtoken.Token
		if token, err = c.visit.IDToken.IDToken(ctx); err == nil {
			err = keys.Verify(token)
		}
	}
	if err != nil {
		return c.doubt(err)
	}
	c.verifiedKey = true
	return fmt.Sprintf("%d at %s, and one fits the ID token's signature", keys.Len(), document.KeysURL), nil
}

// doubt turns a problem with an issuer into a warning, but not the end of ctx.
func (c *chain) doubt(err error) (string, error) {
	var unreachable *endpoint.Unreachable
	var fault *issuer.Fault
	var unbelievable *endpoint.Unbelievable
	switch {
	case errors.As(err, &unreachable):
		m := explain.Message(c.run, err)
		c.run.Platform.Warn(platform.Message{Text: err.Error(), Steps: m.Steps[:1:1], Hints: []string{fromHere}})
		return "not reached from here", nil
	case errors.As(err, &fault), errors.As(err, &unbelievable):
		c.run.Platform.Warn(platform.Message{Text: err.Error(), Hints: []string{fromHere}})
		return "not as Quay needs it", nil
	}
	return "", err
}

// registry pings /v2/, as a login does.
func (c *chain) registry(ctx context.Context) (string, error) {
	challenge, err := c.visit.Quay.Ping(ctx)
	if err != nil {
		return "", err
	}
	c.visit.Challenge = challenge
	return c.target.Registry.Host + ", which takes logins at " + platform.OrNone(challenge.Realm), nil
}

// clock compares the local clock with the registry's, by which tokens expire.
func (c *chain) clock(context.Context) (string, error) {
	skew, known := c.visit.Quay.Skew()
	if !known {
		return "the registry does not tell its time", nil
	}
	c.visit.WarnOfSkew()
	if s := skew.Abs().Round(time.Second); s > time.Second { // a Date has whole seconds
		return fmt.Sprintf("%s apart from the registry's", s), nil
	}
	return "as the registry's", nil
}

// exchange shows Quay the ID token.
func (c *chain) exchange(ctx context.Context) (string, error) {
	if err := c.visit.Preflight(); err != nil {
		return "", err
	}
	m, err := c.visit.Exchange(ctx, c.target)
	if refused := (*login.RefusedIDToken)(nil); errors.As(err, &refused) {
		refused.Verified = c.verifiedKey
	}
	if err != nil {
		if api, _ := c.api(ctx); api != nil {
			federation.AddRobots(ctx, api, c.target.Robot, err)
		}
		return "", err
	}
	c.token = m
	return fmt.Sprintf("a robot token for %s, until %s (%s)", m.Robot, platform.FormatTime(m.ExpiresAt), platform.Minutes(m.Left)), nil
}

// proof shows the robot token to the registry, as every tool does.
func (c *chain) proof(ctx context.Context) (string, error) {
	if !c.flags.Verify {
		return "", &skipped{"of --verify=false"}
	}
	alone := c.token
	alone.Checks = nil
	if err := c.visit.Prove(ctx, alone); err != nil {
		return "", err
	}
	return "the registry takes the robot token", nil
}

// permission asks for one permission; for push only if pull is granted, because asking
// for push creates a missing repository.
func (c *chain) permission(ctx context.Context, permission quay.Permission) (string, error) {
	if err := c.visit.Check(ctx, c.token, permission); err != nil {
		c.lookAtRepository(ctx, err, permission)
		return "", err
	}
	return fmt.Sprintf("%s may %s %s", c.target.Robot, permission.Action, permission.Repository), nil
}

// lookAtRepository asks the API, if there is a token for it, why no push was granted: to a
// mirror or read-only repository nobody can push.
func (c *chain) lookAtRepository(ctx context.Context, err error, permission quay.Permission) {
	var refusal *quay.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != quay.NotGranted || permission.Action != "push" || refusal.State != "" {
		return
	}
	if api, _ := c.api(ctx); api != nil {
		refusal.State = api.RepositoryState(ctx, permission.Repository)
	}
}

// authFile finds where a login would be written and which tools would find it. It writes
// nothing.
func (c *chain) authFile(context.Context) (string, error) {
	flags := login.Flags{ExchangeFlags: c.flags.ExchangeFlags, PlaceFlags: c.flags.PlaceFlags}
	plan, err := login.Plan(c.run, flags, []request.Target{c.target})
	if err != nil {
		return "", err
	}
	if _, err := login.Programs(c.run, plan); err != nil { // then the helper cannot read its settings either
		return "", err
	}
	var found []string
	for _, target := range plan.Files {
		found = append(found, plan.Where(target))
	}
	return "a login would go to " + strings.Join(found, "; and to "), nil
}
