// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// meetServer is what a login does whose registry is this server.
func meetServer(t *testing.T, config *tls.Config, handle func(net.Conn)) (outcome string) {
	t.Helper()
	name := t.Name()
	faultyServers[name] = func(t *testing.T, listener net.Listener, trusted authority) {
		config.Certificates = []tls.Certificate{trusted.sign(t, faultsName, time.Hour)}
		go eachConn(tls.NewListener(listener, config), handle)
	}
	defer delete(faultyServers, name)
	ping := columns[3]
	synctest.Test(t, func(t *testing.T) { outcome = faultCase{server: name}.meet(t, ping) })
	return outcome
}

// A server that sends 103 Early Hints without end gets neither memory nor time.
func TestInformationalFlood(t *testing.T) {
	t.Parallel()
	outcome := meetServer(t, &tls.Config{NextProtos: []string{"http/1.1"}}, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		go io.Copy(io.Discard, conn) //nolint:errcheck // ends with the connection
		for err := error(nil); err == nil; {
			_, err = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: <"+strings.Repeat("x", 4096)+">\r\n\r\n")
		}
	})
	if !strings.HasPrefix(outcome, "exit 5,") {
		t.Error(outcome)
	}
}

// A server without TLS 1.2 gets no request.
func TestOldTLS(t *testing.T) {
	t.Parallel()
	outcome := meetServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, func(conn net.Conn) {
		if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			t.Errorf("it was asked for %s", request.URL)
		}
	})
	if !strings.HasPrefix(outcome, "exit 5,") || !strings.Contains(outcome, "protocol version") {
		t.Error(outcome)
	}
}
