// SPDX-License-Identifier: Apache-2.0

package idtoken_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/idtoken"
)

// No token that opens a cluster's API goes to Quay.
func TestKubernetesCredentials(t *testing.T) {
	t.Parallel()
	const gke = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"
	for _, token := range []struct {
		issuer   string
		audience any
		refused  bool
	}{
		{"https://kubernetes.default.svc", "quay", false},
		{"https://kubernetes.default.svc", []string{"https://quay.example.com"}, false},
		{"https://kubernetes.default.svc", "https://kubernetes.default.svc", true},
		{"https://oidc.example.com", "https://kubernetes.default.svc.cluster.local", true},
		{"https://oidc.example.com", "https://kubernetes.default.svc.corp.example:443/", true},
		{"https://oidc.example.com", "HTTPS://Kubernetes.Default.SVC", true},
		{"https://oidc.example.com", "kubernetes.default", true},
		{"https://oidc.example.com", []string{"https://acme-1a2b.hcp.westeurope.azmk8s.io", `"acme-1a2b.hcp.westeurope.azmk8s.io"`}, true},
		{"https://oidc.example.com", "kubernetes.default.svc", true},
		{"https://oidc.example.com", "https://kubernetes", true},
		{"https://oidc.example.com", "kubernetes.svc.default", true},
		{"https://oidc.example.com", "https://kubernetes.default.svc.", true},
		{"https://oidc.example.com", []string{"quay", "https://kubernetes.default.svc"}, true},
		{"https://oidc.example.com", []string{"https://kubernetes.default.svc.cluster.local", "k3s"}, true},
		{"https://oidc.example.com", nil, true},
		{"https://oidc.example.com", "kubernetes-registry.example.com", false},
		{"https://oidc.example.com", "https://kubernetes.defaults.example.com", false},
		{gke, gke, true},
		{"https://oidc.example.com/id/", []string{"https://oidc.example.com/id"}, true},
		{"kubernetes/serviceaccount", nil, true},
		{"kubernetes/serviceaccount", "quay", true},
	} {
		for name, claims := range map[string]object{
			"claim":   {"kubernetes.io": object{"namespace": "acme"}, "sub": "anything"},
			"subject": {"sub": "system:serviceaccount:acme:pipeline"},
		} {
			claims["iss"] = token.issuer
			if token.audience != nil {
				claims["aud"] = token.audience
			}
			got, err := idtoken.Usable(jwt(t, rs256, claims))
			if refused := problem(err) == idtoken.APICredential; refused != token.refused || !refused && err != nil {
				t.Errorf("%s, by its %s, for %v: refused %v, %v", token.issuer, name, token.audience, refused, err)
			}
			if got.Empty() {
				t.Errorf("%s: the refused token must come along, to be masked", token.issuer)
			}
		}
	}
	// Another provider's token that names itself is none of these.
	if _, err := idtoken.Usable(jwt(t, rs256, object{"iss": "https://ci.example.com", "sub": "org:acme", "aud": "https://ci.example.com"})); err != nil {
		t.Error(err)
	}
}

// Nor does a credential for the job's platform, such as GitHub's request token, a JWT too.
func TestJobCredentials(t *testing.T) {
	t.Parallel()
	env := job{variables: map[string]string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN": good(t), "SYSTEM_ACCESSTOKEN": good(t) + "x"}, stdin: strings.NewReader(good(t) + "\n")}.env()
	for _, source := range []idtoken.Source{
		idtoken.Variable(env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"), idtoken.Variable(env, "SYSTEM_ACCESSTOKEN"), idtoken.Stdin(env),
	} {
		if token, err := source.IDToken(t.Context(), "quay"); problem(err) != idtoken.JobCredential || !token.Empty() {
			t.Errorf("%s: %v", source.Name, err)
		}
	}
}

// A pod's own credential is refused whatever its claims are and however it arrives.
func TestOwnCredential(t *testing.T) {
	t.Parallel()
	own := good(t)
	env := job{files: map[string]string{apiCredential: own}, variables: map[string]string{"QUAY_ID_TOKEN": own, "CIRCLE_OIDC_TOKEN": own + "\n"}}.env()
	for _, source := range []idtoken.Source{
		idtoken.Variable(env, "QUAY_ID_TOKEN"), named(env, "gitlab"), named(env, "circleci"),
	} {
		if token, err := source.IDToken(t.Context(), "quay"); problem(err) != idtoken.APICredential || !token.Empty() {
			t.Errorf("%s: %v", source.Name, err)
		}
	}
}
