// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quay-keyless/internal/cli"
)

// TestTimeoutBoundsCommands has each command meet endpoints that never answer, or of
// which all but some paths do not: --timeout bounds all that it does together.
func TestTimeoutBoundsCommands(t *testing.T) {
	const limit = 40 * time.Second
	answering := newWorld()
	for _, command := range []string{
		"login " + worldArgs, "token " + worldArgs, "audit " + faultsName + " --org acme", "doctor " + worldArgs, "federation list " + worldArgs,
		"federation add " + worldArgs + " --from-token", "setup " + worldArgs + " --from-token", "whoami " + worldArgs,
		"whoami --oidc-issuer https://issuer.example --oidc-client-id ci --oidc-client-secret-env SECRET --id-token-source oidc",
	} {
		for _, answered := range []string{"", "/v2/", "/.well-known/openid-configuration", "/v2/ " + exchangePath} {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				variables := map[string]string{"HOME": folder, "QUAY_AUTHFILE": folder + "/auth.json", "ID_TOKEN": answering.idToken(), "QUAY_API_TOKEN": "x", "SECRET": "x"}
				if !strings.Contains(command, "oidc") {
					variables["QUAY_ID_TOKEN_ENV"] = "ID_TOKEN"
				}
				env := inProcess(variables, strings.Fields(command+" --timeout "+limit.String())...)
				env.Clock = systemEnv().Clock
				env.Transport = func(*tls.Config) http.RoundTripper {
					return roundTrip(func(r *http.Request) (*http.Response, error) {
						if strings.Contains(" "+answered+" ", " "+r.URL.Path+" ") {
							return answering.RoundTrip(r)
						}
						<-r.Context().Done()
						return nil, r.Context().Err()
					})
				}
				begin := time.Now()
				code, _, words := run(t, cli.Main, env)
				if took := time.Since(begin); took > limit {
					t.Errorf("%s, answered: %q: it took %s", command, answered, took)
				}
				if unasked := strings.HasPrefix(command, "whoami "+worldArgs); (code == 0) != unasked {
					t.Errorf("%s, answered: %q: exit code %d\n%s", command, answered, code, words)
				}
			})
		}
	}
}
