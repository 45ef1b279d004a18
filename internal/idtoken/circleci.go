// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"cmp"
	"context"
)

// The variables of a CircleCI job that uses a context or has OIDC tokens on
// (circleci.com/docs, Using OpenID Connect tokens in jobs). The subject of the
// second form has the branch in it too.
const (
	circleToken   = "CIRCLE_OIDC_TOKEN"
	circleTokenV2 = "CIRCLE_OIDC_TOKEN_V2"
)

// CircleCI is the token of a CircleCI job. It is made when the job starts, with the
// organization's id as its audience, and cannot be renewed.
type CircleCI struct {
	Env Env
}

// Name is circleci.
func (CircleCI) Name() string { return "circleci" }

// Present reports a job of CircleCI.
func (c CircleCI) Present() bool { return c.Env.Getenv("CIRCLECI") == "true" }

// IDToken reads the newer variable, or else the older one.
func (c CircleCI) IDToken(context.Context, string) (Token, error) {
	text := cmp.Or(c.Env.Getenv(circleTokenV2), c.Env.Getenv(circleToken))
	if text == "" {
		return Token{}, &Error{Problem: NoCircleToken, Source: c.Name()}
	}
	return c.Env.given(c.Name(), text)
}
