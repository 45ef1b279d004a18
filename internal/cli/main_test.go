// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"quay-keyless/internal/process"
)

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A login without an ID token ends the registry's ping before it returns.
func TestLoginWithoutAnIDTokenLeavesNoPing(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	var ended atomic.Bool
	var words strings.Builder
	env := process.Env{
		Args:   []string{"login", "quay.example.com", "--robot", "acme+ci", "--id-token-file", "token", "--authfile", filepath.Join(t.TempDir(), "auth.json")},
		Getenv: func(string) string { return "" },
		Stdin:  strings.NewReader(""), Stdout: io.Discard, Stderr: &words,
		Clock: process.SystemClock{}, Interruptible: context.WithCancel, UID: 1000, OS: "linux",
		ReadFile: func(context.Context, string) ([]byte, error) { <-asked; return nil, fs.ErrNotExist },
		Transport: func(*tls.Config) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				close(asked)
				<-r.Context().Done()
				ended.Store(true)
				return nil, r.Context().Err()
			})
		},
	}
	if code := Main(t.Context(), env); code != 3 {
		t.Errorf("exit code %d\n%s", code, &words)
	}
	if !ended.Load() {
		t.Error("the ping is still under way")
	}
}
