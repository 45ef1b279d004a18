// SPDX-License-Identifier: Apache-2.0

package issuer_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/issuer"
)

// Issuers that the registry's Quay cannot reach, by their name or address alone.
func TestOutOfReach(t *testing.T) {
	t.Parallel()
	for _, at := range []struct{ issuer, registry, want string }{
		{"https://kubernetes.default.svc", "quay.io", "inside its cluster"},
		{"https://kubernetes.default.svc.cluster.local", "127.0.0.1:8443", "inside its cluster"},
		{"https://kubernetes.default.svc.corp.example:443/", "quay.io", "inside its cluster"},
		{"https://Kubernetes.Default.SVC.", "quay.io", "inside its cluster"},
		{"https://kubernetes.default", "quay.io", "inside its cluster"},
		{"https://kubernetes", "quay.io", "inside its cluster"},
		{"https://keycloak.auth.svc", "quay.io", "inside its cluster"},
		{"https://keycloak.auth.svc.cluster.local/realms/ci", "quay.io", "inside its cluster"},
		{"https://kubernetes.default.svc", "quay.quay.svc", ""},
		{"https://10.0.0.5", "quay.io", "private network"},
		{"https://10.0.0.5:6443", "127.0.0.1:8443", "private network"},
		{"https://172.16.3.4", "quay.io", "private network"},
		{"https://172.32.3.4", "quay.io", ""},
		{"https://192.168.1.1/realms/x", "quay.io", "private network"},
		{"https://100.64.0.1", "quay.io", "private network"},
		{"https://169.254.169.254", "quay.io", "private network"},
		{"https://[fd00::1]:443", "quay.io", "private network"},
		{"https://[fe80::1%25eth0]", "quay.io", "private network"},
		{"https://[::ffff:10.0.0.5]", "quay.io", "private network"},
		{"https://10.0.0.5", "10.0.0.9:8443", ""},
		{"https://[2001:db8::1]", "quay.io", ""},
		{"https://192.0.2.1", "quay.io", ""},
		{"https://keycloak.corp.internal/realms/ci", "quay.io", "private network"},
		{"https://keycloak.corp.internal/realms/ci", "quay.corp.internal", ""},
		{"https://printer.local", "quay.io", "private network"},
		{"https://keycloak", "quay.io", "private network"},
		{"https://2130706433", "quay.io", "private network"},
		{"https://localhost:8443", "quay.io", "this machine"},
		{"https://ci.localhost", "quay.io", "this machine"},
		{"https://127.0.0.1:8443/issuers/github", "quay.example.com", "this machine"},
		{"https://127.0.0.1:8443/issuers/github", "127.0.0.1:8443", ""},
		{"https://localhost:8443/issuers/github", "127.0.0.1:8443", ""},
		{"https://[::1]", "[::1]:5000", ""},
		{"https://0.0.0.0", "quay.io", "this machine"},
		{"https://token.actions.githubusercontent.com", "quay.io", ""},
		{"https://internal.example.com", "quay.io", ""},
		{"https://svc.example.com", "quay.io", ""},
		{"not a URL", "quay.io", ""},
		{"", "quay.io", ""},
	} {
		got, found := issuer.OutOfReach(at.issuer, at.registry)
		if found != (at.want != "") || !strings.Contains(got.Text, at.want) || found != (len(got.Cures) > 0) {
			t.Errorf("%s for %s: %q, want %q", at.issuer, at.registry, got.Text, at.want)
		}
	}
}
