// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/kubelet"
)

var update = flag.Bool("update", false, "rewrite kubernetes/node")

// example is a node as kubernetes/node has it.
var example = kubelet.Node{Registries: []string{"quay.io"}, Audience: "quay", Image: "quay.io/OWNER/quay-keyless:v1"}

// The files of kubernetes/node are what the command prints.
func TestExamplesAreTheOutput(t *testing.T) {
	t.Parallel()
	for _, format := range kubelet.Formats {
		path := filepath.Join("..", "..", "kubernetes", "node", format+".yaml")
		want := "# SPDX-License-Identifier: Apache-2.0\n# Made by: quay-keyless credential-provider config --format " + format + "\n" + example.Config(format)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // no secret
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not the command's output (%v): go test ./internal/kubelet -update", path, err)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	node := kubelet.Node{Registries: []string{"Quay.example.com:8443", "quay.io/acme"}, Audience: "https://quay.example.com", CA: "/etc/ssl/quay.pem", Image: "quay.example.com/tools/quay-keyless@sha256:0"}
	for _, format := range kubelet.Formats {
		if err := node.Check(format); err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewDecoder(strings.NewReader(node.Config(format)))
		var document map[string]any
		if err := decoder.Decode(&document); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	for text, format := range map[string]string{
		"  - quay.example.com:8443\n  - quay.io/acme\n": "kubelet", "[https://quay.example.com]": "rbac",
		"--ca-certificate=/etc/ssl/quay.pem": "k3s", "--audience=https://quay.example.com": "k3s",
		"quay.example.com/tools/quay-keyless@sha256:0 version": "machineconfig",
	} {
		if !strings.Contains(node.Config(format), text) {
			t.Errorf("%s has no %q", format, text)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for what, node := range map[string]kubelet.Node{
		"an http registry": {Registries: []string{"http://quay.example.com"}},
		"no registry":      {Registries: []string{"a b"}},
		"a relative CA":    {Registries: []string{"quay.io"}, CA: "ca.pem"},
	} {
		if node.Check("kubelet") == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	if (kubelet.Node{Registries: []string{"quay.io"}}).Check("machineconfig") == nil {
		t.Error("a MachineConfig without an image was accepted")
	}
}
