// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"quay-keyless/internal/login"
	"quay-keyless/internal/platform"
)

// observer notes how the program reaches hosts.
type observer struct {
	mu   sync.Mutex
	ways map[string]way // by HOST[:PORT]
}

// way is how the program reached one host.
type way struct {
	next string // the host and port that is connected to, a proxy's perhaps
	tls  *tls.ConnectionState
}

// over is a transport that the observer watches.
func (o *observer) over(next http.RoundTripper) http.RoundTripper {
	return observed{o, next}
}

func (o *observer) way(host string) way {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ways[host]
}

type observed struct {
	observer *observer
	next     http.RoundTripper
}

// RoundTrip notes which address net/http connects to: the proxy, if there is one.
func (o observed) RoundTrip(request *http.Request) (*http.Response, error) {
	var seen way
	trace := &httptrace.ClientTrace{GetConn: func(hostPort string) { seen.next = hostPort }}
	response, err := o.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err == nil {
		seen.tls = response.TLS
		o.observer.mu.Lock()
		defer o.observer.mu.Unlock()
		if o.observer.ways == nil {
			o.observer.ways = map[string]way{}
		}
		o.observer.ways[request.URL.Host] = seen
	}
	return response, err
}

// soonExpired is how early to warn of a certificate's expiry.
const soonExpired = 14 * 24 * time.Hour

// connection says how the registry was reached: TLS and proxy.
func (c *chain) connection(context.Context) (string, error) {
	registry := c.target.Registry
	login.WarnOfChoices(c.run, c.flags.ExchangeFlags, registry)
	seen := c.seen.way(registry.Host)
	through := "without a proxy"
	if proxy := seen.proxy(registry.Host); proxy != "" {
		through = "through the proxy " + proxy
	}
	if seen.tls == nil || len(seen.tls.PeerCertificates) == 0 {
		return "plain http, " + through, nil
	}
	certificate := seen.tls.PeerCertificates[0]
	if left := certificate.NotAfter.Sub(c.run.Env.Clock.Now()); left < soonExpired {
		c.run.Platform.Warn(platform.Message{Text: fmt.Sprintf("the certificate of %s ends at %s", registry.Host, platform.FormatTime(certificate.NotAfter))})
	}
	return fmt.Sprintf("%s, %s; the certificate is from %s and ends at %s", tls.VersionName(seen.tls.Version), through,
		platform.OrNone(certificate.Issuer.CommonName), platform.FormatTime(certificate.NotAfter)), nil
}

// proxy is the address of the proxy, "" for none.
func (w way) proxy(registry string) string {
	name, port, err := net.SplitHostPort(w.next)
	if err != nil || w.next == registry || name == registry && (port == "443" || port == "80") || "["+name+"]" == registry {
		return ""
	}
	return w.next
}
