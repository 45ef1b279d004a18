// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"strings"
	"testing"

	"quay-keyless/internal/kubelet"
)

// Whether each rule is the kubelet's is for e2e/tekton/node.
func TestOurs(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ from, to, host, audience, want string }{
		"as printed":        {host: "quay.io", audience: "quay"},
		"another registry":  {host: "quay.example.com", audience: "quay", want: "has no quay.example.com"},
		"another port":      {host: "quay.io:8443", audience: "quay", want: "has no quay.io:8443"},
		"a wildcard":        {from: "- quay.io", to: "- '*.example.com/acme'", host: "quay.example.com", audience: "quay"},
		"one label":         {from: "- quay.io", to: "- '*.com'", host: "quay.example.com", audience: "quay", want: "has no quay.example.com"},
		"another audience":  {host: "quay.io", audience: "vault", want: `is "quay", not "vault"`},
		"no annotation":     {from: "- quay-keyless/robot", to: "- other/robot", host: "quay.io", audience: "quay", want: "does not get the annotation"},
		"another program":   {from: "- credential-provider", to: "- get", host: "quay.io", audience: "quay", want: "no provider"},
		"no tokens":         {from: example.Config("k3s")[strings.Index(example.Config("k3s"), "  tokenAttributes"):], host: "quay.io", audience: "quay", want: "no tokenAttributes"},
		"an optional robot": {from: "requiredServiceAccount", to: "optionalServiceAccount", host: "quay.io", audience: "quay"},
	} {
		config, err := kubelet.Parse([]byte(strings.Replace(example.Config("kubelet"), c.from, c.to, 1)))
		if err == nil {
			_, err = config.Ours(c.host, c.audience)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// What the kubelet or anybody else writes ends in a request or an error, and no error has
// the token in it.
func FuzzRead(f *testing.F) {
	const token = "eyJTHE-TOKEN"
	good := `{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"quay.io/acme/app","serviceAccountToken":"` +
		token + `","serviceAccountAnnotations":{"quay-keyless/robot":"acme+pull\nother.example/acme+pull"}}`
	for _, text := range []string{good, "", "{}", "null", good[:80], strings.Replace(good, "/v1", "/v1beta1", 1), strings.Replace(good, `"`+token+`"`, "1", 1), strings.Replace(good, "quay.io/", "", 1)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, err := kubelet.Read(strings.NewReader(text))
		if err != nil && strings.Contains(err.Error(), token) {
			t.Errorf("the error has the token: %v", err)
		}
		if err == nil && (asked.Host == "" || asked.Token.Empty() || len(asked.Robots) == 0) {
			t.Errorf("%+v", asked)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(example.Config("kubelet"))
	f.Add("providers: [{name: a, tokenAttributes: {}}]")
	f.Fuzz(func(_ *testing.T, text string) {
		config, err := kubelet.Parse([]byte(text))
		if err == nil {
			_, _ = config.Ours("quay.io", "quay")
		}
	})
}
