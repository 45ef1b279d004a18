// SPDX-License-Identifier: Apache-2.0

package idtoken

import (
	"context"
	"sync"
	"time"
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
	token, err := h.Source.IDToken(ctx, h.Audience)
	if h.Got != nil && !token.Empty() {
		h.Got(token.Secret)
	}
	if err != nil {
		return Token{}, err
	}
	h.token = token
	return token, nil
}

// slowExchange is the time that an exchange may take until Quay looks at the token's expiry.
const slowExchange = 30 * time.Second

// good reports whether the held token is still valid.
func (h *Held) good() bool {
	if h.token.Empty() || h.Source.Renews == Always {
		return false
	}
	expiry := h.token.Expiry
	return h.Source.Renews == Never || expiry.IsZero() || h.Now().Add(slowExchange).Before(expiry)
}
