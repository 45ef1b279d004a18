// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"crypto/rand"
	"sync"
)

// logins are the logins under way, by code.
type logins struct {
	mu    sync.Mutex
	begun map[string]*begun
}

// begun is a login by device, that counts its polls, or one by browser.
type begun struct {
	client, scope, nonce, challenge, redirect string
	polls                                     int
}

func newLogins() *logins { return &logins{begun: map[string]*begun{}} }

func (l *logins) add(b begun) (code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	code = rand.Text()
	l.begun[code] = &b
	return code
}

// poll finds a login by device; take finds any and forgets it.
func (l *logins) poll(code string) (begun, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.begun[code]
	if b == nil {
		return begun{}, false
	}
	b.polls++
	return *b, true
}

func (l *logins) take(code string) (begun, bool) {
	b, ok := l.poll(code)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.begun, code)
	return b, ok
}
