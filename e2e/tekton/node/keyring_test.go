// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/cluster"
	"quay-keyless/internal/kubelet"
	"quay-keyless/internal/sandbox"
)

// account, lookup and found are the program keyring's.
type account struct {
	Token       string            `json:"token"`
	Annotations map[string]string `json:"annotations"`
}

type lookup struct{ Account, Image string }

type found struct{ User, Password string }

// keyring runs the kubelet's plugin code.
func keyring(t *testing.T, config, binaries string, accounts map[string]account, lookups ...lookup) ([][]found, lab.Outcome) {
	t.Helper()
	input, err := json.Marshal(map[string]any{"accounts": accounts, "lookups": lookups})
	if err != nil {
		t.Fatal(err)
	}
	outcome := lab.Command{Stdin: string(input), Args: []string{cluster.Program(t, "keyring"), config, binaries}}.Run(t)
	var logins [][]found
	if outcome.Exit == 0 {
		if err := json.Unmarshal([]byte(outcome.Stdout), &logins); err != nil {
			t.Fatal(err)
		}
	}
	return logins, outcome
}

// The kubelet's code accepts our answers, and keeps them for each service account.
func TestKubeletCode(t *testing.T) {
	sb, ca := newSandbox(t, "kubernetes", nil)
	config, binaries := install(t, sb.Host, "--ca-certificate", ca)
	token := func(name string) string {
		minted, err := sb.Mint(sandbox.Token{Issuer: "kubernetes", Subject: "system:serviceaccount:" + namespace + ":" + name, Audience: []string{"quay"}})
		if err != nil {
			t.Fatal(err)
		}
		return minted
	}
	robots := func(value string) map[string]string { return map[string]string{kubelet.Annotation: value} }
	accounts := map[string]account{
		"web":   {token("web"), robots("acme+pull")},
		"both":  {token("both"), robots("acme+pull\nother+pull")},
		"bare":  {token("web"), nil},
		"wrong": {token("web"), robots("other+pull")},
	}
	app, other := sb.Host+"/acme/app", sb.Host+"/other/app"
	logins, outcome := keyring(t, config, binaries, accounts,
		lookup{"web", app}, lookup{"web", sb.Host + "/acme/else"}, lookup{"both", app}, lookup{"both", other},
		lookup{"bare", app}, lookup{"wrong", other}, lookup{"wrong", other}, lookup{"", app}, lookup{"web", "quay.io/acme/app"})
	want := []string{"acme+pull", "acme+pull", "acme+pull", "other+pull", "", "", "", "", ""}
	for i, login := range logins {
		user := ""
		if len(login) > 0 {
			user = login[0].User
		}
		if user != want[i] || len(login) > 1 {
			t.Errorf("lookup %d found %d logins, the first as %q, want %q", i, len(login), user, want[i])
		}
	}
	if made := sb.Requests("exchange"); len(logins) != len(want) || made != 5 { // one, two, and a refusal twice
		t.Errorf("%d lookups, %d exchanges:\n%s", len(logins), made, outcome.Stderr)
	}
	if strings.Count(outcome.Stderr, "error: ") != 2 {
		t.Errorf("the log is\n%s", outcome.Stderr)
	}
	lab.NoSecrets(t, "the log", outcome.Stderr)
}

// What doctor says of a configuration is what the kubelet would do.
func TestKubeletRules(t *testing.T) {
	_, binaries := install(t)
	good := printed(t, "--format", "kubelet")
	provider := good[strings.Index(good, "- name:"):]
	for what, replaced := range map[string][2]string{
		"as printed":              {"", ""},
		"the token cache":         {"cacheType: ServiceAccount", "cacheType: Token"},
		"an optional annotation":  {"requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys"},
		"a wildcard":              {"- quay.io", "- '*.example.com:8443/acme'"},
		"environment":             {"  defaultCacheDuration", "  env: [{name: HTTPS_PROXY, value: \"http://proxy:3128\"}]\n  defaultCacheDuration"},
		"beta":                    {"kubelet.config.k8s.io/v1", "kubelet.config.k8s.io/v1beta1"},
		"no cache type":           {"    cacheType: ServiceAccount\n", ""},
		"another cache type":      {"cacheType: ServiceAccount", "cacheType: Pod"},
		"an unknown field":        {"  defaultCacheDuration", "  timeout: 5s\n  defaultCacheDuration"},
		"no duration":             {"  defaultCacheDuration: 0s\n", ""},
		"a duration without unit": {"defaultCacheDuration: 0s", "defaultCacheDuration: 3300"},
		"a negative duration":     {"defaultCacheDuration: 0s", "defaultCacheDuration: -1s"},
		"an odd duration":         {"defaultCacheDuration: 0s", "defaultCacheDuration: soon"},
		"an old plugin API":       {"credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1beta1"},
		"no plugin API":           {"  apiVersion: credentialprovider.kubelet.k8s.io/v1\n", ""},
		"no images":               {"  matchImages:\n  - quay.io\n", ""},
		"an odd image":            {"- quay.io", "- 'quay.io:port'"},
		"no audience":             {"    serviceAccountTokenAudience: quay\n", ""},
		"not required":            {"    requireServiceAccount: true\n", ""},
		"annotation not required": {"requireServiceAccount: true", "requireServiceAccount: false"},
		"a key twice":             {"    - quay-keyless/robot\n", "    - quay-keyless/robot\n    - quay-keyless/robot\n"},
		"an odd key":              {"- quay-keyless/robot", "- quay keyless"},
		"a path as the name":      {"name: quay-keyless", "name: bin/quay-keyless"},
		"a name with a space":     {"name: quay-keyless", "name: quay keyless"},
		"two of a name":           {provider, provider + provider},
		"no providers":            {provider, ""},
		"another kind":            {"kind: CredentialProviderConfig", "kind: KubeletConfiguration"},
		"no YAML":                 {"kind: ", "kind: }"},
		"another program":         {"name: quay-keyless", "name: missing"},
		"a number as the cache":   {"defaultCacheDuration: 0s", "defaultCacheDuration: 0"},
		"a number as an argument": {"- credential-provider", "- 1"},
		"yes":                     {"requireServiceAccount: true", "requireServiceAccount: yes"},
		"a text for yes":          {"requireServiceAccount: true", "requireServiceAccount: \"true\""},
		"a field twice":           {"  defaultCacheDuration", "  name: quay-keyless\n  defaultCacheDuration"},
		"JSON":                    {good, `{"apiVersion":"kubelet.config.k8s.io/v1","kind":"CredentialProviderConfig","providers":[]}`},
		"upper case":              {"cacheType: ServiceAccount", "CacheType: ServiceAccount"},
	} {
		t.Run(what, func(t *testing.T) {
			text := strings.Replace(good, replaced[0], replaced[1], 1)
			config := filepath.Join(t.TempDir(), "config.yaml")
			lab.Write(t, config, text, 0o644)
			_, outcome := keyring(t, config, binaries, map[string]account{})
			_, err := kubelet.Load(config, binaries, os.ReadFile)
			if (err == nil) != (outcome.Exit == 0) {
				t.Errorf("the kubelet: exit code %d, %s\nours: %v", outcome.Exit, outcome.Stderr, err)
			}
		})
	}
}

// The configuration that the existing provider for Quay documents, and that kubelets
// refuse since 1.34.
func TestConfigurationBefore134(t *testing.T) {
	config, binaries := install(t)
	lab.Write(t, config, strings.Replace(lab.Read(t, config), "    cacheType: ServiceAccount\n", "", 1), 0o644)
	_, outcome := keyring(t, config, binaries, map[string]account{})
	if outcome.Exit == 0 || !strings.Contains(outcome.Stderr, "cacheType") {
		t.Errorf("exit code %d: %s", outcome.Exit, outcome.Stderr)
	}
}
