// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/sandbox"
)

// otherModes are the issuers that the test below serves itself.
var otherModes = []string{"dother", "d500", "jempty"}

// TestContractByFile proves the way to a real Quay on one that is none: a
// sandbox that shares with the table's neither names nor issuers nor keys, and
// is known from a URL and a file alone.
func TestContractByFile(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	issuer := otherIssuer(t, key)
	const subject = "project_path:suite/lib:ref_type:branch:ref:main"
	var trust []sandbox.Entry
	for _, mode := range append([]string{"good"}, otherModes...) {
		trust = append(trust, sandbox.Entry{Issuer: issuer.URL + "/ci/" + mode, Subject: subject})
	}
	now := still()
	config := sandbox.Config{
		Now:      now,
		IssuerCA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Certificate().Raw}),
		Robots: []sandbox.Robot{
			{Name: "suite+rr", Federation: trust, Grants: map[string]sandbox.Role{"suite/lib": sandbox.Write}},
			{Name: "suite+plain"},
		},
	}
	ask := func(config sandbox.Config, states ...string) []string {
		sb := startSandbox(t, config)
		file := contractFile{
			Release: "3.18", Robot: "suite+rr", RobotWithoutFederation: "suite+plain", Subject: subject, Audience: "registry",
			Issuers: issuer.URL + "/ci", Modes: otherModes, KeyID: "key-of-the-file", States: states,
			CACertificate: written(t, "ca.pem", sb.CA), Key: written(t, "key.pem", private(t, key)),
		}
		file.Repositories.Writable = "suite/lib"
		text, err := yaml.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return contractByFile(t, sb.URL, written(t, "contract.yaml", text), now)
	}
	asked := ask(config)
	for name, want := range map[string]bool{
		"ok": true, "subject-other": true, "discovery-dother": true, "issuer-d500": true, "issuer-jempty": true,
		"robot-not-federated": true, "signature-of-another-key": true, "credential-dropped": true, "may-push": true,
		"may-pull": false, "issuer-closed": false, "robots-disallowed": false, "subject-is-a-number-3.16.2": false,
	} {
		if slices.Contains(asked, name) != want {
			t.Errorf("%s: asked is %v, want %v", name, !want, want)
		}
	}
	for state, set := range map[string]func(*sandbox.Config){
		"ROBOTS_DISALLOW":         func(c *sandbox.Config) { c.RobotsDisallow = true },
		"REGISTRY_STATE readonly": func(c *sandbox.Config) { c.ReadOnly = true },
		"a disabled organization": func(c *sandbox.Config) { c.DisabledOrganizations = []string{"suite"} },
		"database down":           func(c *sandbox.Config) { c.DatabaseDown = true },
	} {
		t.Run(state, func(t *testing.T) {
			changed := config
			set(&changed)
			if asked := ask(changed, state); len(asked) != 1 {
				t.Errorf("with the state %s: asked %v", state, asked)
			}
		})
	}
}

// otherIssuer serves discovery and keys under /ci/MODE.
func otherIssuer(t *testing.T, key *rsa.PrivateKey) *httptest.Server {
	t.Helper()
	public, err := jwk.Import(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := public.Set(jwk.KeyIDKey, "key-of-the-file"); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/ci/{mode}/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		mode := r.PathValue("mode")
		if mode == "d500" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		self := server.URL + "/ci/" + mode
		writeJSON(w, map[string]string{"issuer": strings.Replace(self, "dother", "somebody-else", 1), "jwks_uri": self + "/keys"})
	})
	mux.HandleFunc("/ci/{mode}/keys", func(w http.ResponseWriter, r *http.Request) {
		keys := []any{public}
		if r.PathValue("mode") == "jempty" {
			keys = nil
		}
		writeJSON(w, map[string]any{"keys": keys})
	})
	return server
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func private(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func written(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
