// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// Formats are what [Node.Config] can print.
var Formats = []string{"kubelet", "rbac", "kubeadm", "k3s", "microshift", "machineconfig"}

// Node is what the nodes of a cluster need to know.
type Node struct {
	Registries []string // HOST[:PORT] or HOST/ORG
	Audience   string
	CA         string // a path on the node, "" for none
	Image      string // ours, for MachineConfig
}

// Check finds what no node can use.
func (n Node) Check(format string) error {
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("--format %q: write %s or %s", format, strings.Join(Formats[:len(Formats)-1], ", "), Formats[len(Formats)-1])
	}
	if n.CA != "" && !path.IsAbs(n.CA) {
		return fmt.Errorf("--ca-certificate %q: write the absolute path of the file on the node", n.CA)
	}
	for _, text := range n.Registries {
		registry, err := quay.ParseRegistry(text)
		if err == nil && registry.PlainHTTP {
			err = fmt.Errorf("registry %q: a node sends ID tokens only by https", text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The places of the configuration and the program, where a node has none of its own.
const (
	configPath = "/etc/kubernetes/quay-keyless/credential-provider.yaml"
	binDir     = "/usr/local/libexec/quay-keyless"
	nodeBinDir = "/var/lib/quay-keyless/bin" // where /usr is read-only
)

// Config is one of [Formats], as YAML.
func (n Node) Config(format string) string {
	texts := map[string]func() string{
		"kubelet": n.kubelet, "rbac": n.rbac, "kubeadm": n.kubeadm, "k3s": n.k3s,
		"microshift": n.microshift, "machineconfig": n.machineConfig,
	}
	return texts[format]()
}

// provider is the CredentialProviderConfig.
func (n Node) provider() string {
	args := []string{"credential-provider"}
	if n.Audience != request.DefaultAudience {
		args = append(args, "--audience="+n.Audience)
	}
	if n.CA != "" {
		args = append(args, "--ca-certificate="+n.CA)
	}
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: quay-keyless
  args:%s
  matchImages:%s
  defaultCacheDuration: 0s
  apiVersion: %s
  tokenAttributes:
    serviceAccountTokenAudience: %s
    cacheType: ServiceAccount
    requireServiceAccount: true
    requiredServiceAccountAnnotationKeys:
    - %s
`, items(args), items(n.hosts()), apiVersion, platform.YAMLText(n.Audience), Annotation)
}

func (n Node) hosts() []string {
	var hosts []string
	for _, text := range n.Registries {
		registry, _ := quay.ParseRegistry(text) // Check has read it
		hosts = append(hosts, registry.Key())
	}
	return hosts
}

// items are the lines of a list.
func items(list []string) string {
	var lines strings.Builder
	for _, item := range list {
		lines.WriteString("\n  - " + platform.YAMLText(item))
	}
	return lines.String()
}

func (n Node) kubelet() string {
	return `# The kubelet's configuration for quay-keyless. Kubernetes 1.34 or later.
# Start the kubelet with
#   --image-credential-provider-config=` + configPath + `   (this file)
#   --image-credential-provider-bin-dir=` + binDir + `   (has the program quay-keyless)
# It reads both when it starts, and does not start if one is missing.
` + n.provider()
}

func (n Node) rbac() string {
	return fmt.Sprintf(`# Lets nodes request service account tokens with Quay's audience. Kubernetes 1.33 or later
# asks for it, through the admission plugin NodeRestriction. The resource is the audience.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: quay-keyless-node
rules:
- apiGroups: [""]
  resources: [%s]
  verbs: [request-serviceaccounts-token-audience]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: quay-keyless-node
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: quay-keyless-node
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: system:nodes
`, platform.YAMLText(n.Audience))
}

func (n Node) kubeadm() string {
	return fmt.Sprintf(`# For kubeadm 1.34 or later: merge nodeRegistration into your JoinConfiguration, and into the
# InitConfiguration of the first node. Put the program and the output of --format kubelet on
# the node before it joins. On a node that has joined, add both flags to KUBELET_EXTRA_ARGS in
# /etc/default/kubelet (/etc/sysconfig/kubelet with rpm) and restart the kubelet:
#   KUBELET_EXTRA_ARGS=--image-credential-provider-config=%[1]s --image-credential-provider-bin-dir=%[2]s
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
  - name: image-credential-provider-config
    value: %[1]s
  - name: image-credential-provider-bin-dir
    value: %[2]s
`, configPath, binDir)
}

func (n Node) k3s() string {
	return `# For k3s and RKE2 1.34 or later: write this to /var/lib/rancher/credentialprovider/config.yaml and
# the program to /var/lib/rancher/credentialprovider/bin/quay-keyless, then restart k3s or
# rke2. They find both without flags.
` + n.provider()
}

func (n Node) microshift() string {
	return fmt.Sprintf(`# For MicroShift 4.21 or later: /etc/microshift/config.d/50-quay-keyless.yaml. Write the output of
# --format kubelet to the path below. Every folder and file on both paths must belong to root
# and not be writable by others. Red Hat does not support this credential provider; in
# September 2026 these settings were still a proposal (openshift/microshift#7337).
kubelet:
  imageCredentialProviderConfigPath: %s
  imageCredentialProviderBinDir: %s
`, configPath, nodeBinDir)
}

// dataURL is a file's content for Ignition.
func dataURL(text string) string {
	return "data:," + strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// indented is a text inside a YAML block.
func indented(text, by string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by)
}
