// SPDX-License-Identifier: Apache-2.0

package federation

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// FuzzAPIToken reads what is in QUAY_API_TOKEN and in the file of --api-token-file. A
// token fits into a header, and of what is none a job's log has nothing but the mask.
func FuzzAPIToken(f *testing.F) {
	for _, seed := range []string{"", " \n", "QUAYTOKEN", " QUAYTOKEN\r\n", "two words", "a\n::add-mask::b", "\x00", "töken", "%0A::error::x", "words that stand where the token should"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, file := range []string{"", "token"} {
			var log bytes.Buffer
			getenv := func(name string) string {
				return map[string]string{"GITHUB_ACTIONS": "true", request.APITokenVariable: text}[name]
			}
			a := &process.Run{
				Env:      process.Env{Getenv: getenv, ReadFile: func(context.Context, string) ([]byte, error) { return []byte(text), nil }},
				Platform: platform.Detect(platform.Env{Getenv: getenv, Words: &log, Results: &log}),
			}
			token, err := APIToken(t.Context(), a, file)
			if got := token.Reveal(); err == nil && (got != strings.TrimSpace(text) || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' })) {
				t.Errorf("%q: the token %q", text, got)
			}
			if err != nil && (!token.Empty() || len(text) > 20 && strings.Contains(err.Error(), text)) {
				t.Errorf("%q: %v", text, err)
			}
			for line := range strings.Lines(log.String()) {
				if !strings.HasPrefix(line, "::add-mask::") {
					t.Errorf("%q: the log has %q", text, line)
				}
			}
		}
	})
}
