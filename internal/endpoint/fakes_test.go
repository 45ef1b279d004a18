// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"quay-keyless/internal/endpoint"
)

// bubble is the time of a testing/synctest bubble.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// impatient is for tests with a real network: it waits for nothing.
type impatient struct{}

func (impatient) Now() time.Time { return time.Now() }

func (impatient) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

// fake is a transport that gives its replies in turn, and the last one for ever.
type fake struct {
	replies []reply
	seen    []*http.Request
	times   []time.Time
}

type reply func(*http.Request) (*http.Response, error)

func (f *fake) RoundTrip(request *http.Request) (*http.Response, error) {
	next := f.replies[min(len(f.seen), len(f.replies)-1)]
	f.seen = append(f.seen, request)
	f.times = append(f.times, time.Now())
	return next(request)
}

// status is an answer with header lines "Name: value".
func status(code int, header ...string) reply {
	return func(*http.Request) (*http.Response, error) {
		response := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("words"))}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			response.Header.Set(name, value)
		}
		return response, nil
	}
}

// broken is a transport's error.
func broken(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// after answers once d has passed, as a transport does: not beyond the context.
func after(d time.Duration, next reply) reply {
	return func(request *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return next(request)
		case <-request.Context().Done():
			return nil, request.Context().Err()
		}
	}
}

// client is one in a bubble, and what it says of its retries.
func client(transport http.RoundTripper) (*endpoint.Client, *[]endpoint.Retry) {
	var retries []endpoint.Retry
	return &endpoint.Client{
		Transport: transport,
		Clock:     bubble{},
		UserAgent: "quay-keyless/test",
		Retrying:  func(r endpoint.Retry) { retries = append(retries, r) },
	}, &retries
}

// get makes requests for an address.
func get(t *testing.T, address string, header ...string) func(context.Context) (*http.Request, error) {
	t.Helper()
	return func(ctx context.Context) (*http.Request, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			request.Header.Set(name, value)
		}
		return request, nil
	}
}

const somewhere = "https://quay.example/path"
