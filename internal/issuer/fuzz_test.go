// SPDX-License-Identifier: Apache-2.0

package issuer_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/issuer"
)

// FuzzDiscover has an issuer publish any discovery document, under any name.
func FuzzDiscover(f *testing.F) {
	for _, name := range []string{"https://issuer.example", "https://issuer.example/a/", "http://issuer.example", "https://", "x", "https://[::1", "https://a@b/", "https://issuer.example\n"} {
		f.Add(name, `{"issuer":"`+name+`","jwks_uri":"https://issuer.example/keys"}`)
		f.Add(name, `{"jwks_uri":7}`)
		f.Add(name, `<html>`)
	}
	f.Fuzz(func(t *testing.T, name, body string) {
		server := answers{status: 200, body: body}
		document, err := issuer.Discover(t.Context(), server.client(), name)
		if err == nil && (document.KeysURL == "" || !strings.HasPrefix(strings.ToLower(name), "https://")) {
			t.Errorf("%q %q: %+v", name, body, document)
		}
	})
}
