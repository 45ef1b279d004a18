// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"errors"
	"sync"
	"time"

	"quay-keyless/internal/endpoint"
)

// Held keeps a source's token for one audience while it is valid. It is safe for
// concurrent use.
type Held struct {
	Source   Source
	Audience string
	// Now is the registry's time if it is known.
	Now func() time.Time
	// Got gets each new token first, to mask it.
	Got func(Secret)

	mu    sync.Mutex
	token Token
}

// IDToken returns the token. It asks again near the token's expiry, or if its file may
// have changed.
func (h *Held) IDToken(ctx context.Context) (Token, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.good() {
		return h.token, nil
	}
	token, err := ask(ctx, h.Source, h.Audience)
	if h.Got != nil && !token.Empty() {
		h.Got(token.Secret)
	}
	if err != nil {
		return Token{}, err
	}
	h.token = token
	return token, nil
}

// Unanswered is the error of a source whose endpoint was not reached or gave an
// unexpected answer: Err is an [*endpoint.Unreachable] or an [*endpoint.Unbelievable].
// It distinguishes them from the registry's.
type Unanswered struct {
	Source string // its name
	Err    error
}

// Error is Err's.
func (u *Unanswered) Error() string { return u.Err.Error() }

// Unwrap returns Err.
func (u *Unanswered) Unwrap() error { return u.Err }

// ask gets a token from the source. Errors are [*Error], [*Unanswered] and what
// ended ctx.
func ask(ctx context.Context, source Source, audience string) (Token, error) {
	token, err := source.IDToken(ctx, audience)
	var unreachable *endpoint.Unreachable
	var unbelievable *endpoint.Unbelievable
	if errors.As(err, &unreachable) || errors.As(err, &unbelievable) {
		return Token{}, &Unanswered{Source: source.Name(), Err: err}
	}
	return token, err
}

// good reports whether the held token is still valid.
func (h *Held) good() bool {
	if h.token.Empty() {
		return false
	}
	renewable, ok := h.Source.(Renewable)
	return !ok || !renewable.Spent(h.token.Claims, h.Now())
}
