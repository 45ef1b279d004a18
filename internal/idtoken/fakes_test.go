// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
	"quay-keyless/internal/idtoken"
)

// jwt is a token in compact form with a signature that nobody verifies.
func jwt(t testing.TB, header, payload any) string {
	t.Helper()
	part := func(v any) string {
		if text, ok := v.(string); ok {
			return base64.RawURLEncoding.EncodeToString([]byte(text))
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(header) + "." + part(payload) + "." + part("signature")
}

type object = map[string]any

var rs256 = object{"alg": "RS256", "kid": "key-1", "typ": "JWT"}

// good is a token that every source takes.
func good(t testing.TB) string {
	t.Helper()
	return jwt(t, rs256, object{"iss": "https://issuer.example", "sub": "repo:acme/app:ref:refs/heads/main", "aud": "quay"})
}

// job is what a source can see.
type job struct {
	variables map[string]string
	files     map[string]string
	errors    map[string]error // of files
	stdin     io.Reader
	transport http.RoundTripper
}

func (j job) env() idtoken.Env {
	return idtoken.Env{
		Getenv: func(name string) string { return j.variables[name] },
		Stdin:  j.stdin,
		ReadFile: func(path string) ([]byte, error) {
			if err := j.errors[path]; err != nil {
				return nil, &fs.PathError{Op: "open", Path: path, Err: err}
			}
			if text, ok := j.files[path]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Endpoint: &endpoint.Client{Transport: j.transport, Clock: impatient{}, UserAgent: "quay-keyless/test"},
	}
}

// named is the source of that name in the job.
func named(env idtoken.Env, name string) idtoken.Source {
	source, err := idtoken.Choose(env, name, idtoken.Settings{})
	if err != nil {
		panic(err)
	}
	return source
}

type impatient struct{}

func (impatient) Now() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func (impatient) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// server answers every request alike and keeps them.
type server struct {
	status   int
	body     string
	location string
	err      error
	seen     []*http.Request
}

func (s *server) RoundTrip(request *http.Request) (*http.Response, error) {
	s.seen = append(s.seen, request)
	if s.err != nil {
		return nil, s.err
	}
	response := &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body))}
	if s.location != "" {
		response.Header.Set("Location", s.location)
	}
	return response, nil
}

// problem is what an error says is missing; "" where it is no [*idtoken.Error].
func problem(err error) idtoken.Problem {
	var e *idtoken.Error
	if errors.As(err, &e) {
		return e.Problem
	}
	return ""
}
