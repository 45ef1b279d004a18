// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"embed"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/quay"
	"quay-keyless/internal/request"
)

// Formats are what [Node.Config] can print.
var Formats = []string{"kubelet", "rbac", "kubeadm", "k3s", "microshift", "machineconfig"}

// texts are the formats with words in braces where nodes differ, and the files of a
// MachineConfig.
//
//go:embed text
var texts embed.FS

// Node is what the nodes of a cluster need to know.
type Node struct {
	Registries []string // HOST[:PORT] or HOST/ORG
	Audience   string
	CA         string // a path on the node, "" for none
	Image      string // ours, for a MachineConfig
}

// Check finds what no node can use.
func (n Node) Check(format string) error {
	if n.CA != "" && !path.IsAbs(n.CA) {
		return fmt.Errorf("--ca-certificate %q: write the absolute path of the file on the node", n.CA)
	}
	if format == "machineconfig" && n.Image == "" {
		return errors.New("--format machineconfig needs --image IMAGE, from which nodes copy quay-keyless: this build does not know its own image, because it is not a release")
	}
	if strings.ContainsAny(n.Image, " \t\r\n%$\\\"'") || strings.HasPrefix(n.Image, "-") {
		return fmt.Errorf("--image %q is not the name of an image", n.Image)
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

// Config is one of [Formats], as YAML.
func (n Node) Config(format string) string {
	var args, registries []string
	if n.Audience != request.DefaultAudience {
		args = append(args, "--audience="+n.Audience)
	}
	if n.CA != "" {
		args = append(args, "--ca-certificate="+n.CA)
	}
	for _, text := range n.Registries {
		registry, _ := quay.ParseRegistry(text) // Check has read it
		registries = append(registries, registry.Key())
	}
	words := strings.NewReplacer("{{ARGS}}", items(args), "{{REGISTRIES}}", items(registries),
		"{{AUDIENCE}}", platform.YAMLText(n.Audience), "{{IMAGE}}", n.Image)
	provider := words.Replace(embedded("provider.yaml"))
	return words.Replace(strings.NewReplacer(
		"{{PROVIDER}}", inside(provider, 0), "{{PROVIDER_URL}}", dataURL(provider), "{{KUBELET_SH_URL}}", dataURL(embedded("kubelet.sh")),
		"{{INSTALL_SERVICE}}", inside(embedded("install.service"), 10), "{{KUBELET_CONF}}", inside(embedded("kubelet.conf"), 12),
	).Replace(embedded(format + ".yaml")))
}

// embedded is one of the texts.
func embedded(name string) string {
	text, err := texts.ReadFile("text/" + name)
	if err != nil {
		panic(err) // it is in the program
	}
	return string(text)
}

// inside is a file within YAML, where its lines are indented.
func inside(text string, indent int) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+strings.Repeat(" ", indent))
}

// items are the lines of a list.
func items(list []string) string {
	var lines strings.Builder
	for _, item := range list {
		lines.WriteString("\n  - " + platform.YAMLText(item))
	}
	return lines.String()
}

// dataURL is a file's content for Ignition.
func dataURL(text string) string {
	return "data:," + strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
