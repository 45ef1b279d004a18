// SPDX-License-Identifier: Apache-2.0

package quay_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/quay"
)

// now is the local time of these tests.
var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// impatient is a clock that stands still and waits for nothing.
type impatient struct{}

func (impatient) Now() time.Time { return now }

func (impatient) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// reply is an answer with header lines "Name: value", or an error.
type reply struct {
	status int
	body   string
	header []string
	err    error
}

// server is a transport that answers, and keeps what it was asked.
type server struct {
	answer func(*http.Request) reply

	mu   sync.Mutex
	seen []*http.Request
}

// always answers every request alike.
func always(r reply) *server {
	return &server{answer: func(*http.Request) reply { return r }}
}

func (s *server) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, request)
	r := s.answer(request)
	if r.err != nil {
		return nil, r.err
	}
	response := &http.Response{StatusCode: r.status, Header: http.Header{}, Request: request, Body: io.NopCloser(strings.NewReader(r.body))}
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ": ")
		response.Header.Add(name, value)
	}
	return response, nil
}

// asked counts the requests to a path.
func (s *server) asked(path string) int {
	n := 0
	for _, request := range s.seen {
		if request.URL.Path == path {
			n++
		}
	}
	return n
}

// client speaks with a registry over a fake transport.
func client(t testing.TB, registry string, transport http.RoundTripper) *quay.Client {
	t.Helper()
	parsed, err := quay.ParseRegistry(registry)
	if err != nil {
		t.Fatal(err)
	}
	return &quay.Client{
		Registry: parsed,
		Endpoint: &endpoint.Client{Transport: transport, Clock: impatient{}, UserAgent: "quay-keyless/test"},
	}
}

type object = map[string]any

// jwt is a token in compact form with a signature that nobody verifies.
func jwt(t testing.TB, payload any) string {
	t.Helper()
	text, ok := payload.(string)
	if !ok {
		encoded, err := json.Marshal(payload)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","kid":"key-1"}`)) + "." + part([]byte(text)) + "." + part([]byte("signature"))
}

// asJSON is {key: value}.
func asJSON(t testing.TB, key, value string) string {
	t.Helper()
	text, err := json.Marshal(object{key: value})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var ci = quay.Robot{Namespace: "acme", Name: "ci"}

// holding gives one ID token.
func holding(text string) quay.IDToken {
	return func(context.Context) (idtoken.Secret, error) { return idtoken.NewSecret(text), nil }
}
