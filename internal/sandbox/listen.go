// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Listen starts serving TLS on the address (host:port, port 0 for a free one),
// and the same without TLS on a free port of 127.0.0.1.
func (s *Sandbox) Listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	host, _, _ := net.SplitHostPort(address) // net.Listen accepted it
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	s.Address = net.JoinHostPort(host, port)
	if s.cfg.Hostname == "" {
		return s.Serve(s.Address, listener, plain)
	}
	if name, ok := strings.CutSuffix(s.cfg.Hostname, ":0"); ok {
		s.cfg.Hostname = net.JoinHostPort(name, port)
	}
	s.issuers.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == s.cfg.Hostname {
			address = s.Address
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return s.Serve(s.cfg.Hostname, listener, plain)
}

// Serve is Listen for the listeners of a test's own network. Clients, and with
// Config.Dial the sandbox itself, reach them as address (host:port). Close, or an
// error, closes both listeners.
func (s *Sandbox) Serve(address string, secure, plain net.Listener) error {
	s.Host = address
	s.URL, s.PlainURL = "https://"+s.Host, "http://"+plain.Addr().String()
	host, _, err := net.SplitHostPort(address)
	var cert tls.Certificate
	if err == nil {
		names := append([]string{host, "127.0.0.1", "::1", "localhost"}, s.cfg.Names...)
		cert, err = s.authority.serve(names, s.cfg.Now())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("server certificate: %w", err), secure.Close(), plain.Close())
	}
	s.serve(secure, &tls.Config{Certificates: []tls.Certificate{cert}})
	s.serve(plain, nil)
	return nil
}

func (s *Sandbox) serve(listener net.Listener, config *tls.Config) {
	server := &http.Server{
		Handler:           s.handled(s.handler),
		TLSConfig:         config,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(s.cfg.Log, "", 0),
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if config == nil {
			_ = server.Serve(listener)
			return
		}
		_ = server.ServeTLS(listener, "", "")
	})
}

// handled lets Close wait for the requests under way.
func (s *Sandbox) handled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handling.RLock()
		defer s.handling.RUnlock()
		next.ServeHTTP(w, r)
	})
}

// Close stops serving. Requests under way lose their connection, and have ended when
// Close returns.
func (s *Sandbox) Close() error {
	s.ClearFaults()
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	s.serving.Wait()
	s.handling.Lock()
	defer s.handling.Unlock()
	s.issuers.CloseIdleConnections()
	return errors.Join(errs...)
}
