// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"quay-keyless/internal/sandbox"
)

// memory is a network without a system below it, so that a test's clock knows
// when all that is left to do is to wait. Its connections are synchronous.
type memory struct {
	mu         sync.Mutex
	listeners  map[string]*memoryListener
	transports []*http.Transport
	sandboxes  []*sandbox.Sandbox
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

// serve starts a sandbox that is [faultsName] to its clients and listens at the
// address. Its own requests go through the network too.
func (m *memory) serve(t *testing.T, address string, config sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	config.Keys, config.Dial = keys, m.dial
	box, err := sandbox.New(config)
	if err == nil {
		err = box.Serve(faultsHost, m.listen(address), m.listen("plain.example:80"))
	}
	if err != nil {
		t.Fatal(err)
	}
	m.sandboxes = append(m.sandboxes, box)
	return box
}

// transport is Go's default one on this network.
func (m *memory) transport(config *tls.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.DialContext, t.Proxy = config.Clone(), m.dial, nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.transports = append(m.transports, t)
	return t
}

// usual is [memory.transport] for a program.
func (m *memory) usual(config *tls.Config) http.RoundTripper { return m.transport(config) }

// hangUp ends the clients' connections that are not in use.
func (m *memory) hangUp() {
	m.mu.Lock()
	transports := slices.Clone(m.transports)
	m.mu.Unlock() // see close
	for _, transport := range transports {
		transport.CloseIdleConnections()
	}
}

// close ends the network, its sandboxes when a minute of the fake clock has ended all
// connections to them. A server that is closed while a client hangs up waits for 5 s
// to be heard, as the client does, and holds a lock; while somebody waits for a lock
// the fake clock stands still.
func (m *memory) close() {
	m.hangUp()
	time.Sleep(time.Minute)
	for _, box := range m.sandboxes {
		_ = box.Close()
	}
	for _, listener := range m.listeners {
		_ = listener.Close()
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
