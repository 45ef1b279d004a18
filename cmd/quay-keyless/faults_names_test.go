// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
)

// TestNameServers lets a login live through a name server that fails for a while, and
// end in time where it fails for good. The network is in memory: what a resolver says
// is what net.Dialer hands on.
func TestNameServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failures int32 // dials that fail
		err      net.DNSError
		code     int
		words    string
	}{
		"temporary, once":    {1, net.DNSError{Err: "server misbehaving", IsTemporary: true}, 0, "server misbehaving; trying again in"},
		"no such name, once": {1, net.DNSError{Err: "no such host", IsNotFound: true}, 0, "no such host; trying again in"},
		"timeout, twice":     {2, net.DNSError{Err: "i/o timeout", IsTimeout: true, IsTemporary: true}, 0, "i/o timeout; trying again in"},
		"temporary, always":  {1 << 20, net.DNSError{Err: "server misbehaving", IsTemporary: true}, 5, "(tried 5 times)\n\n  Check the host name, and whether this job can resolve it."},
		"no such name":       {1 << 20, net.DNSError{Err: "no such host", IsNotFound: true}, 5, "(tried 3 times)\n\n  Check the host name, and whether this job can resolve it."},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := newMemory()
			box := newFaultyQuay(t, network)
			var dials atomic.Int32
			env := inMemory(network, jobOf(box, false, string(box.CA)), loginTo(filepath.Join(t.TempDir(), "auth.json"))...)
			env.Transport = func(config *tls.Config) http.RoundTripper {
				transport := network.transport(config)
				transport.DialContext = func(ctx context.Context, kind, address string) (net.Conn, error) {
					if dials.Add(1) <= c.failures {
						err := c.err
						err.Name = faultsName
						return nil, &net.OpError{Op: "dial", Net: kind, Err: &err}
					}
					return network.dial(ctx, kind, address)
				}
				return transport
			}
			start := time.Now()
			code, stdout, stderr := run(t, cli.Main, env)
			took := time.Since(start)
			network.close()
			if code != c.code || took > 90*time.Second || !strings.Contains(stderr, c.words) {
				t.Errorf("%s: exit code %d after %s\n%s%s", name, code, took, stdout, stderr)
			}
		})
	}
}
