// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"strings"
	"testing"
)

func FuzzParseToken(f *testing.F) {
	good, err := Sign(map[string]any{"alg": "none"}, map[string]any{"iss": "a"}, "none", nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, good + "\n", "a.b.c", "..", good + "x", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := Parse(raw)
		if err == nil && (token.Header == nil || token.Claims == nil || !strings.HasPrefix(raw, token.signed)) {
			t.Errorf("%q: %+v", raw, token)
		}
	})
}
