// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/quay"
)

const bearer = `Www-Authenticate: Bearer realm="https://quay.example/v2/auth",service="quay.example"`

func TestPing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply reply
		want  quay.Challenge
	}{
		{"open", reply{status: 200}, quay.Challenge{}},
		{"Bearer", reply{status: 401, header: []string{bearer}}, quay.Challenge{Scheme: "bearer", Realm: "https://quay.example/v2/auth", Service: "quay.example"}},
		{"bearer", reply{status: 401, header: []string{strings.Replace(bearer, "Bearer", "BEARER", 1)}}, quay.Challenge{Scheme: "bearer", Realm: "https://quay.example/v2/auth", Service: "quay.example"}},
		{"no service", reply{status: 401, header: []string{`Www-Authenticate: Bearer realm="https://a.example/t"`}}, quay.Challenge{Scheme: "bearer", Realm: "https://a.example/t"}},
		{"Basic", reply{status: 401, header: []string{`Www-Authenticate: Basic realm="Quay"`}}, quay.Challenge{Scheme: "basic", Realm: "Quay"}},
		{"Negotiate, then Bearer", reply{status: 401, header: []string{"Www-Authenticate: Negotiate", bearer}}, quay.Challenge{Scheme: "bearer", Realm: "https://quay.example/v2/auth", Service: "quay.example"}},
		{"Negotiate", reply{status: 401, header: []string{"Www-Authenticate: Negotiate"}}, quay.Challenge{Scheme: "negotiate"}},
		{"no challenge", reply{status: 401}, quay.Challenge{}},
	}
	for _, test := range tests {
		transport := always(test.reply)
		got, err := client(t, "quay.example/acme", transport).Ping(t.Context())
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
		}
		if len(transport.seen) != 1 || transport.seen[0].URL.String() != "https://quay.example/v2/" {
			t.Errorf("%s: asked %d times", test.name, len(transport.seen))
		}
		if header := transport.seen[0].Header; header.Get("Authorization") != "" || header.Get("User-Agent") != "quay-keyless/test" {
			t.Errorf("%s: sent %v", test.name, header)
		}
	}
}

func TestPingOfWhatIsNoRegistry(t *testing.T) {
	t.Parallel()
	for _, code := range []int{204, 304, 400, 403, 404, 405, 410} {
		transport := always(reply{status: code, body: "<html>hunter2"})
		_, err := client(t, "quay.example", transport).Ping(t.Context())
		var unbelievable *endpoint.Unbelievable
		if !errors.As(err, &unbelievable) || !strings.HasPrefix(err.Error(), "the registry at quay.example answers /v2/ with HTTP ") || len(transport.seen) != 1 {
			t.Errorf("%d: %d requests, %v", code, len(transport.seen), err)
		}
	}
}

func TestPingIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply reply
		want  int
	}{
		"500":             {reply{status: 500}, 3},
		"502":             {reply{status: 502, body: "<title>Quay Loading</title>"}, 5},
		"429":             {reply{status: 429}, 5},
		"refused":         {reply{err: syscall.ECONNREFUSED}, 3},
		"reset":           {reply{err: syscall.ECONNRESET}, 5},
		"not trusted":     {reply{err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, 1},
		"http on its TLS": {reply{err: http.ErrSchemeMismatch}, 1},
	} {
		for _, registry := range []string{"quay.example", "localhost:5000"} {
			transport := always(test.reply)
			_, err := client(t, registry, transport).Ping(t.Context())
			var unreachable *endpoint.Unreachable
			if !errors.As(err, &unreachable) || unreachable.Attempts != test.want || len(transport.seen) != test.want {
				t.Errorf("%s at %s: %d requests, %v", name, registry, len(transport.seen), err)
			}
			if test.reply.err != nil && !errors.Is(err, test.reply.err) {
				t.Errorf("%s at %s: %v has lost its cause", name, registry, err)
			}
		}
	}
	replies := []reply{{status: 503}, {err: syscall.ECONNRESET}, {status: 401, header: []string{bearer}}}
	var n int
	transport := &server{answer: func(*http.Request) reply { n++; return replies[n-1] }}
	if challenge, err := client(t, "quay.example", transport).Ping(t.Context()); err != nil || challenge.Scheme != "bearer" {
		t.Errorf("after two troubles: %+v, %v", challenge, err)
	}
}

// Go-containerregistry guesses http for names that look local; the user's own
// choice is what counts here, in both directions.
func TestPingUsesTheChosenScheme(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"quay.example", "localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "10.1.2.3", "192.168.0.1:80", "registry.local"} {
		for prefix, scheme := range map[string]string{"": "https", "https://": "https", "http://": "http"} {
			for _, r := range []reply{{status: 200}, {err: syscall.ECONNREFUSED}, {status: 404}} {
				transport := always(r)
				_, err := client(t, prefix+name, transport).Ping(t.Context())
				if (r.status == 200) != (err == nil) || err != nil && strings.Contains(err.Error(), "not asked") {
					t.Errorf("%s%s: %v", prefix, name, err)
				}
				for _, request := range transport.seen {
					if request.URL.Scheme != scheme || request.URL.Host != name {
						t.Errorf("%s%s: asked %s", prefix, name, request.URL)
					}
				}
			}
		}
	}
}

func TestPingFollowsNobodyElsewhere(t *testing.T) {
	t.Parallel()
	for _, registry := range []string{"quay.example", "http://quay.example", "localhost:5000"} {
		for _, location := range []string{"https://evil.example/v2/", "http://quay.example:8080/v2/", "//evil.example/v2/"} {
			transport := always(reply{status: 302, header: []string{"Location: " + location}})
			_, err := client(t, registry, transport).Ping(t.Context())
			var unbelievable *endpoint.Unbelievable
			if !errors.As(err, &unbelievable) || !strings.Contains(err.Error(), "redirects /v2/ to \"http") || len(transport.seen) != 1 {
				t.Errorf("%s to %s: %d requests, %v", registry, location, len(transport.seen), err)
			}
		}
	}
	transport := &server{answer: func(request *http.Request) reply {
		if request.URL.Path == "/v2/" {
			return reply{status: 307, header: []string{"Location: /registry/v2/"}}
		}
		return reply{status: 401, header: []string{bearer}}
	}}
	if challenge, err := client(t, "quay.example", transport).Ping(t.Context()); err != nil || challenge.Scheme != "bearer" {
		t.Errorf("at the same place: %+v, %v", challenge, err)
	}
}

func TestPingTellsTheTime(t *testing.T) {
	t.Parallel()
	c := client(t, "quay.example", always(reply{status: 404, header: []string{"Date: Sun, 22 Nov 2026 07:58:59 GMT"}}))
	var attempts []endpoint.Attempt
	c.Endpoint.Asked = func(a endpoint.Attempt) { attempts = append(attempts, a) }
	_, _ = c.Ping(t.Context())
	if skew, ok := c.Skew(); !ok || skew != -time.Minute {
		t.Errorf("the registry is %v ahead, %v", skew, ok)
	}
	want := endpoint.Attempt{Name: "the registry at quay.example", URL: "https://quay.example/v2/", Status: 404}
	if len(attempts) != 1 || attempts[0] != want {
		t.Errorf("told of %+v", attempts)
	}
}

// endless is a transport whose answers do not end; it counts what was read.
type endless struct{ read int }

func (e *endless) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 401, Header: http.Header{}, Body: e, Request: request}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 2<<20 {
		return 0, errors.New("nobody stopped reading")
	}
	e.read += len(p)
	return len(p), nil
}

func (*endless) Close() error { return nil }

func TestPingOfAnEndlessBody(t *testing.T) {
	t.Parallel()
	transport := &endless{}
	_, err := client(t, "quay.example", transport).Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "sent more than 1048576 bytes") || transport.read > 2<<20 {
		t.Errorf("read %d bytes, %v", transport.read, err)
	}
}
