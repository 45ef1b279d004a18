// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bufio"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// faultyServers stand in for an endpoint. Each serves the connections of a
// listener until that is closed; trusted is an authority that the program trusts.
var faultyServers = map[string]func(t *testing.T, listener net.Listener, trusted authority){
	"untrusted": func(t *testing.T, listener net.Listener, _ authority) {
		serveTLS(listener, newAuthority(t).sign(t, faultsName, time.Hour), http.NotFoundHandler())
	},
	"expired": func(t *testing.T, listener net.Listener, trusted authority) {
		serveTLS(listener, trusted.sign(t, faultsName, -time.Hour), http.NotFoundHandler())
	},
	"misnamed": func(t *testing.T, listener net.Listener, trusted authority) {
		serveTLS(listener, trusted.sign(t, "elsewhere.example", time.Hour), http.NotFoundHandler())
	},
	"plain": func(_ *testing.T, listener net.Listener, _ authority) {
		serve(listener, nil, http.NotFoundHandler())
	},
	"silent": func(_ *testing.T, listener net.Listener, _ authority) {
		go eachConn(listener, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	},
	"dribbling": func(t *testing.T, listener net.Listener, trusted authority) {
		serveTLS(listener, trusted.sign(t, faultsName, time.Hour), http.HandlerFunc(dribble))
	},
	"bomb": func(t *testing.T, listener net.Listener, trusted authority) {
		serveTLS(listener, trusted.sign(t, faultsName, time.Hour), http.HandlerFunc(bomb))
	},
	"gigabyte": func(t *testing.T, listener net.Listener, trusted authority) {
		serveTLS(listener, trusted.sign(t, faultsName, time.Hour), http.HandlerFunc(gigabyte))
	},
	"mute":   saying(""),
	"short":  saying("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"token\":\"ey"),
	"banner": saying("SSH-2.0-OpenSSH_9.2\r\n"),
	"header": func(t *testing.T, listener net.Listener, trusted authority) { // made here: every script's program is this one
		saying("HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 11<<20))(t, listener, trusted)
	},
	"goaway": func(t *testing.T, listener net.Listener, trusted authority) {
		config := &tls.Config{Certificates: []tls.Certificate{trusted.sign(t, faultsName, time.Hour)}, NextProtos: []string{"h2"}}
		go eachConn(tls.NewListener(listener, config), goAway)
	},
}

// saying reads a request over HTTP/1.1 with TLS, says its words, and ends. It goes
// on reading, since a client that hangs up first waits 5 s for that to be heard.
func saying(words string) func(*testing.T, net.Listener, authority) {
	return func(t *testing.T, listener net.Listener, trusted authority) {
		config := &tls.Config{Certificates: []tls.Certificate{trusted.sign(t, faultsName, time.Hour)}, NextProtos: []string{"http/1.1"}}
		go eachConn(tls.NewListener(listener, config), func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				go io.Copy(io.Discard, conn) //nolint:errcheck // ends with the connection
				_, _ = io.WriteString(conn, words)
			}
		})
	}
}

func serveTLS(listener net.Listener, certificate tls.Certificate, handler http.Handler) {
	serve(listener, &tls.Config{Certificates: []tls.Certificate{certificate}}, handler)
}

func serve(listener net.Listener, config *tls.Config, handler http.Handler) {
	server := &http.Server{Handler: handler, TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Hour}
	if config == nil {
		go server.Serve(listener) //nolint:errcheck // ends with the listener
		return
	}
	go server.ServeTLS(listener, "", "") //nolint:errcheck // ends with the listener
}

func eachConn(listener net.Listener, handle func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close() //nolint:errcheck // a test's
			handle(conn)
		}()
	}
}

// dribble sends a byte each five seconds, which no limit on the first byte or
// between two bytes notices.
func dribble(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	controller := http.NewResponseController(w)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = controller.Flush()
		select {
		case <-time.After(5 * time.Second):
		case <-r.Context().Done():
		}
	}
}

// bomb is a megabyte that becomes a gigabyte.
func bomb(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(w)
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := packed.Write(zeros); err != nil || r.Context().Err() != nil {
			return
		}
	}
}

// gigabyte says beforehand how much it will send.
func gigabyte(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(1<<30))
	_, err := io.WriteString(w, `{"token":"`)
	for chunk := strings.Repeat("a", 32<<10); err == nil && r.Context().Err() == nil; {
		_, err = io.WriteString(w, chunk)
	}
}

// goAway ends each HTTP/2 connection before its first request (RFC 9113,
// section 6.8), by a frame of settings and one that names no stream as taken.
func goAway(conn net.Conn) {
	settings := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
	leave := []byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	go io.Copy(io.Discard, conn) //nolint:errcheck // what the client says is of no interest
	_, _ = conn.Write(append(settings, leave...))
	time.Sleep(time.Second)
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	return authority{certificate: create(t, template, template, key, key), key: key}
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// sign makes a server's certificate that ends after the time given.
func (a authority) sign(t *testing.T, name string, after time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(after)}
	return tls.Certificate{Certificate: [][]byte{create(t, template, a.certificate, key, a.key).Raw}, PrivateKey: key}
}

func create(t *testing.T, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
