// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// proxy is an HTTP proxy that makes tunnels to the sandbox and to nobody else,
// for those who know its password (RFC 9110, section 9.3.6).
type proxy struct {
	to      string // the sandbox's address
	name    string // by which it is asked for
	tunnels atomic.Int32
}

const proxyUser = "ci:password-of-the-proxy"

// startProxy [USER:PASSWORD] starts the script's proxy and has programs use it,
// with another password than the right one where it is given.
func startProxy(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(scriptKey{}).(*script)
	s.proxy = &proxy{to: s.sandbox.Address, name: s.sandbox.Host}
	server := httptest.NewServer(s.proxy)
	ts.Defer(server.Close)
	user := proxyUser
	if len(args) > 0 {
		user = args[0]
	}
	ts.Setenv("HTTPS_PROXY", strings.Replace(server.URL, "//", "//"+user+"@", 1))
}

// proxied fails unless the proxy has made tunnels since the last time.
func proxied(ts *testscript.TestScript, neg bool, _ []string) {
	if tunnels := ts.Value(scriptKey{}).(*script).proxy.tunnels.Swap(0); (tunnels > 0) == neg {
		ts.Fatalf("%d tunnels", tunnels)
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	switch {
	case r.Method != http.MethodConnect || r.Host != p.name:
		http.Error(w, "not through here", http.StatusForbidden)
		return
	case user+":"+password != proxyUser:
		w.Header().Set("Proxy-Authenticate", "Basic")
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close() //nolint:errcheck // a test's
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close() //nolint:errcheck // a test's
	p.tunnels.Add(1)
	go io.Copy(server, buffered) //nolint:errcheck // ends with the connection
	_, _ = io.Copy(client, server)
}
