// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/sandbox/platform"
)

func TestBehindNginx(t *testing.T) {
	elsewhere := startElsewhere(t)
	cfg := contractConfig("3.18", elsewhere)
	cfg.AppServer = false
	cfg.Robots[0].Federation = append(cfg.Robots[0].Federation, Entry{Issuer: "jslow8", Subject: platform.DefaultSubject("")})
	sb := start(t, cfg)
	for _, test := range []struct {
		name   string
		token  Token
		status int
		want   string
	}{
		{"closed port", Token{Issuer: elsewhere.closed}, 502, "Quay is currently loading"},
		{"untrusted certificate", Token{Issuer: elsewhere.untrusted}, 502, "<title>Quay Loading</title>"},
		{"long header", Token{Issuer: "good", Claims: map[string]any{"padding": strings.Repeat("x", 4900)}}, 400, "Request Header Or Cookie Too Large"},
	} {
		got := mustAsk(t, sb, "GET", exchangePath, basic("suite+rr", mint(t, sb, test.token)))
		if got.status != test.status || !strings.Contains(got.body, test.want) || got.header.Get("Content-Type") != "text/html" {
			t.Errorf("%s: %d %s %s, want %d %s", test.name, got.status, got.header.Get("Content-Type"), got.body, test.status, test.want)
		}
	}
}

// nginx has no patience any more while Quay waits for an issuer's keys.
func TestSlowKeysBehindNginx(t *testing.T) {
	sb := start(t, Config{Robots: []Robot{{Name: "suite+rr", Federation: []Entry{{Issuer: "jslow8", Subject: platform.DefaultSubject("")}}}}})
	request := httptest.NewRequest("GET", sb.URL+exchangePath, nil)
	request.SetBasicAuth("suite+rr", mint(t, sb, Token{Issuer: "jslow8"}))
	patience := &ending{Context: t.Context(), done: make(chan struct{})}
	go func() {
		for sb.Requests(JWKS) < 1 {
			runtime.Gosched()
		}
		close(patience.done)
	}()
	answered := httptest.NewRecorder()
	sb.Handler().ServeHTTP(answered, request.WithContext(patience))
	if answered.Code != 504 || !strings.Contains(answered.Body.String(), "nginx") {
		t.Errorf("%d %s", answered.Code, answered.Body)
	}
}

// ending is a context whose time is up when done is closed.
type ending struct {
	context.Context
	done chan struct{}
}

func (e *ending) Done() <-chan struct{} { return e.done }

func (e *ending) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestPatienceOfNginx(t *testing.T) {
	sb := start(t, Config{FrontTimeout: 7 * time.Minute})
	var until time.Time
	front := sb.quay.Front(func(_ http.ResponseWriter, r *http.Request) { until, _ = r.Context().Deadline() })
	before := time.Now()
	front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", sb.URL+exchangePath, nil))
	if until.Before(before.Add(sb.cfg.FrontTimeout)) || until.After(time.Now().Add(sb.cfg.FrontTimeout)) {
		t.Errorf("until %s, asked at %s", until, before)
	}
}

func TestLongHeaderOverHTTP2EndsTheConnection(t *testing.T) {
	sb := start(t, Config{})
	transport := sb.Client().Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = true
	for length, want := range map[int]bool{100: true, 9000: false} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", sb.URL+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Basic "+strings.Repeat("A", length))
		response, err := transport.RoundTrip(request)
		if answered := err == nil; answered != want {
			t.Errorf("header of %d bytes: %v, answered %v, want %v", length, err, answered, want)
		}
		if err == nil {
			_ = response.Body.Close()
			if response.ProtoMajor != 2 {
				t.Errorf("spoke %s", response.Proto)
			}
		}
	}
}
