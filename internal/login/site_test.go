// SPDX-License-Identifier: Apache-2.0

package login

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// A proxy would ask its own machine's metadata server, or be told its token.
func TestMetadataServersAreAskedWithoutAProxy(t *testing.T) {
	t.Parallel()
	asked := 0
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		asked++
		return nil, nil
	}}
	a := &process.Run{Platform: platform.Detect(platform.Env{Getenv: func(string) string { return "" }, Words: io.Discard, Results: io.Discard})}
	env := idTokenEnv(t.Context(), a, request.IdentityFlags{}, transport)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = env.Direct.Transport.RoundTrip(request) //nolint:bodyclose // nobody listens there
	if asked != 0 {
		t.Error("the proxy was looked for")
	}
	_, _ = env.Endpoint.Transport.RoundTrip(request) //nolint:bodyclose // nobody listens there
	if asked != 1 {
		t.Errorf("other endpoints looked for a proxy %d times", asked)
	}
}
