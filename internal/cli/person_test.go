// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"quay-keyless/internal/host"
)

// A proxy would ask its own machine's metadata server, or be told its token.
func TestMetadataServersAreAskedWithoutAProxy(t *testing.T) {
	t.Parallel()
	asked := 0
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		asked++
		return nil, nil
	}}
	a := &app{host: host.Detect(host.Env{Getenv: func(string) string { return "" }, Words: io.Discard, Results: io.Discard})}
	env := a.idTokenEnv(t.Context(), identityFlags{}, transport)
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

func TestOpener(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system, variable string
		want             []string
	}{
		{"linux", "", nil},
		{"linux", "DISPLAY", []string{"xdg-open"}},
		{"linux", "WAYLAND_DISPLAY", []string{"xdg-open"}},
		{"darwin", "", []string{"open"}},
		{"windows", "", []string{"rundll32", "url.dll,FileProtocolHandler"}},
	} {
		got := opener(c.system, func(name string) string {
			if name == c.variable {
				return "x"
			}
			return ""
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %q: %q", c.system, c.variable, got)
		}
	}
}
