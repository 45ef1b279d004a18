// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
)

// Paths are where a node has its configuration.
type Paths struct{ Config, Binaries, Kubeconfig string }

// rancher is where k3s and RKE2 have their files.
const rancher = "/var/lib/rancher/"

// Find completes the paths: from the command line of the kubelet that runs here, or from
// where k3s and others have them. What is not found stays empty.
func (p Paths) Find() Paths {
	flags := running()
	return Paths{
		Config:   cmp.Or(p.Config, flags["image-credential-provider-config"], existing(rancher+"credentialprovider/config.yaml")),
		Binaries: cmp.Or(p.Binaries, flags["image-credential-provider-bin-dir"], existing(rancher+"credentialprovider/bin")),
		Kubeconfig: cmp.Or(p.Kubeconfig, flags["kubeconfig"], existing("/var/lib/kubelet/kubeconfig", "/etc/kubernetes/kubelet.conf",
			rancher+"k3s/agent/kubelet.kubeconfig", rancher+"rke2/agent/kubelet.kubeconfig")),
	}
}

// existing is the first path that exists, or "".
func existing(paths ...string) string {
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// running are the flags of the kubelet that runs here.
func running() map[string]string {
	flags := map[string]string{}
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range processes {
		text, _ := os.ReadFile(path) //nolint:gosec // of /proc
		args := strings.Split(string(text), "\x00")
		if filepath.Base(args[0]) != "kubelet" {
			continue
		}
		for i, arg := range args[:len(args)-1] {
			name, value, found := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if !found {
				value = args[i+1]
			}
			flags[name] = value
		}
	}
	return flags
}
