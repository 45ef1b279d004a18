// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
)

func TestCertificates(t *testing.T) {
	t.Parallel()
	server := quiet(t, (*httptest.Server).StartTLS, func(http.ResponseWriter, *http.Request) {})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	tests := map[string]*tls.Config{
		"unknown authority": {},
		"expired":           {RootCAs: roots, Time: func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }},
		"other name":        {RootCAs: roots, ServerName: "quay.io"},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, attempts, err := ask(t, config, server.URL)
			var unreachable *endpoint.Unreachable
			if !endpoint.NotTrusted(err) || !errors.As(err, &unreachable) || len(attempts) != 1 {
				t.Errorf("%d attempts, %v", len(attempts), err)
			}
		})
	}
	if _, _, err := ask(t, &tls.Config{RootCAs: roots}, server.URL); err != nil {
		t.Errorf("the right certificate: %v", err)
	}
	if endpoint.NotTrusted(io.EOF) || endpoint.NotTrusted(nil) {
		t.Error("other errors count as a certificate")
	}
}

func TestHTTPAtAnHTTPSPort(t *testing.T) {
	t.Parallel()
	server := quiet(t, (*httptest.Server).Start, func(http.ResponseWriter, *http.Request) {})
	_, attempts, err := ask(t, nil, strings.Replace(server.URL, "http:", "https:", 1))
	if !endpoint.NoTLS(err) || endpoint.NotTrusted(err) || len(attempts) != 1 {
		t.Errorf("%d attempts, %v", len(attempts), err)
	}
}

func TestSSHAtAnHTTPSPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, "SSH-2.0-OpenSSH_9.2\r\n")
			_, _ = io.Copy(io.Discard, connection) // until the client gives up
			_ = connection.Close()
		}
	}()
	_, attempts, err := ask(t, nil, "https://"+listener.Addr().String())
	if !endpoint.NoTLS(err) || endpoint.NotTrusted(err) || len(attempts) != 1 {
		t.Errorf("%d attempts, %v", len(attempts), err)
	}
}
