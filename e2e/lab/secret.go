// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// jwt is the header of every ID token and robot token, which begins with {" in base64;
// or the beginning of one with "alg", "typ" or "kid" in base64 again. A certificate
// holds less than that by chance.
var jwt = regexp.MustCompile(`eyJ[\w-]{8,}\.|ZXlK(?:aGJH|MGVY|cmFX)`)

// NoSecrets fails the test where the text has an ID token or a robot token in
// it, as it is, or as the auth file holds it for one of the sandbox's robots.
func NoSecrets(t *testing.T, what, text string) {
	t.Helper()
	if found := jwt.FindString(text); found != "" {
		t.Errorf("%s has a token in it: %s...", what, found)
	}
	for _, robot := range []string{"acme+ci", "acme+reader", "acme+creator", "acme+nofed"} {
		// The last bytes before the token's share a base64 letter with it.
		prefix := base64.RawStdEncoding.EncodeToString([]byte(robot + ":"))
		if strings.Contains(text, prefix[:len(prefix)-1]) {
			t.Errorf("%s has the auth file's form of a login as %s in it", what, robot)
		}
	}
}

// Login is the user and the password that an auth file has for a registry,
// both empty where it has none.
func Login(t *testing.T, authFile, registry string) (user, password string) {
	t.Helper()
	var content struct {
		Auths map[string]struct{ Auth []byte }
	}
	if err := json.Unmarshal([]byte(authFile), &content); err != nil {
		t.Fatalf("auth file: %v", err)
	}
	user, password, _ = strings.Cut(string(content.Auths[registry].Auth), ":")
	return user, password
}
