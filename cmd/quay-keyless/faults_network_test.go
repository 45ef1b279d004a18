// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memory is a network without a system below it, so that a test's clock knows
// when all that is left to do is to wait. Its connections are synchronous.
type memory struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
}

func newMemory() *memory { return &memory{listeners: map[string]*memoryListener{}} }

// listen opens an address, host:port.
func (m *memory) listen(address string) net.Listener {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &memoryListener{address: memoryAddress(address), conns: make(chan net.Conn), done: make(chan struct{})}
	m.listeners[address] = l
	return l
}

// dial connects to an address. Where nobody listens it is refused.
func (m *memory) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[address]
	m.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Addr: memoryAddress(address), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if l == nil {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// closeLate closes servers when a minute of the fake clock has ended all connections
// to them. A server that is closed while a client hangs up waits for 5 s to be heard,
// as the client does, and holds a lock; while somebody waits for a lock the fake clock
// stands still.
func closeLate(servers ...io.Closer) {
	time.Sleep(time.Minute)
	for _, server := range servers {
		_ = server.Close()
	}
}

type memoryAddress string

func (memoryAddress) Network() string  { return "tcp" }
func (a memoryAddress) String() string { return string(a) }

type memoryListener struct {
	address memoryAddress
	conns   chan net.Conn
	close   sync.Once
	done    chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.close.Do(func() { close(l.done) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.address }

// asking counts what a login asks of each endpoint, by its path.
type asking struct {
	mu         sync.Mutex
	counts     map[string]int
	transports []*http.Transport
}

// through gives a transport that counts, and that sends the requests to one
// endpoint to the stand-in if it is diverted.
func (q *asking) through(network *memory, config *tls.Config, endpoint column, diverted bool) http.RoundTripper {
	usual, other := network.transport(config), network.transport(config)
	other.DialContext = func(ctx context.Context, net, _ string) (net.Conn, error) { return network.dial(ctx, net, standIn) }
	q.mu.Lock()
	defer q.mu.Unlock()
	q.transports = append(q.transports, usual, other)
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		q.mu.Lock()
		q.counts[r.URL.Path]++
		q.mu.Unlock()
		if diverted && r.URL.Path == endpoint.path {
			return other.RoundTrip(r)
		}
		return usual.RoundTrip(r)
	})
}

// String lists the endpoints that were asked, in the order of a login.
func (q *asking) String() string {
	var text []string
	for _, c := range columns {
		text = append(text, fmt.Sprintf("%s %d", c.name, q.counts[c.path]))
	}
	return strings.Join(text, ", ")
}

func (q *asking) close() {
	for _, transport := range q.transports {
		transport.CloseIdleConnections()
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transport is Go's default one on this network.
func (m *memory) transport(config *tls.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.DialContext, t.Proxy = config.Clone(), m.dial, nil
	return t
}
