// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
)

// Quay reads claims by their exact name and, of two, the last one. A token that
// says something else to another reader says the same here.
func TestOddClaims(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"doubled":           `{"sub":"first","sub":"subject","aud":"other","aud":"quay"}`,
		"in another case":   `{"SUB":"first","sub":"subject","Sub":"last","aud":"quay","AUD":"other","Exp":1}`,
		"with a Kelvin":     `{"sub":"subject","aud":"quay","to` + "\u212a" + `en":"x","iſs":"https://evil.example"}`,
		"nested 9000 deep":  `{"sub":"subject","aud":"quay","x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		"escaped":           `{"\u0073ub":"subject","aud":"quay"}`,
		"with odd siblings": `{"":1,"sub ":"x","\u0000sub":"y","sub":"subject","aud":"quay","sub\u0000":"z"}`,
	} {
		got, err := idtoken.ParseToken(idtoken.NewSecret(jwt(t, rs256, payload)))
		if err != nil || got.Subject != "subject" || len(got.Audience) != 1 || got.Audience[0] != "quay" || got.Issuer != "" || !got.Expiry.IsZero() {
			t.Errorf("%s: got %+v, %v", name, got.Claims, err)
		}
	}
	for name, text := range map[string]string{
		"nested deeper than the decoder": jwt(t, rs256, `{"sub":"subject","x":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+`}`),
		"JSON serialization":             `{"payload":"eyJzdWIiOiJzIn0","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"c2ln"}]}`,
		"flattened JSON serialization":   `{"payload":"eyJzdWIiOiJzIn0","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"c2ln"}`,
		"workflow command":               "::add-path::" + good(t),
		"command on a second line":       good(t) + "\n::add-path::/tmp",
	} {
		if claims, err := idtoken.ParseToken(idtoken.NewSecret(text)); problem(err) != idtoken.NotJWT {
			t.Errorf("%s: got %+v, %v", name, claims, err)
		}
	}
}
