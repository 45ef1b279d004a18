// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ignition "github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/vincent-petithory/dataurl"
	"sigs.k8s.io/yaml"

	"quay-keyless/e2e/lab"
)

// machineConfig is the Ignition configuration, read by Ignition itself.
func machineConfig(t *testing.T) types.Config {
	t.Helper()
	var object struct {
		APIVersion string          `json:"apiVersion"`
		Kind       string          `json:"kind"`
		Metadata   json.RawMessage `json:"metadata"`
		Spec       struct {
			Config json.RawMessage `json:"config"`
		} `json:"spec"`
	}
	if err := yaml.UnmarshalStrict([]byte(printed(t, "quay.example.com", "--format", "machineconfig", "--image", released)), &object); err != nil {
		t.Fatal(err)
	}
	config, report, err := ignition.Parse(object.Spec.Config)
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("Ignition: %v, %s", err, report.String())
	}
	return config
}

// file is the content of a file on the node.
func file(t *testing.T, config types.Config, path string) string {
	t.Helper()
	for _, f := range config.Storage.Files {
		if f.Path == path {
			content, err := dataurl.DecodeString(*f.Contents.Source)
			if err != nil {
				t.Fatal(err)
			}
			return string(content.Data)
		}
	}
	t.Fatalf("no file %s", path)
	return ""
}

const (
	configPath  = "/etc/kubernetes/quay-keyless/credential-provider.yaml"
	starterPath = "/etc/kubernetes/quay-keyless/kubelet.sh"
	binaries    = "/var/lib/quay-keyless/bin"
	released    = "quay.io/OWNER/quay-keyless:v1"
)

func TestMachineConfig(t *testing.T) {
	config := machineConfig(t)
	_, want, _ := strings.Cut(printed(t, "quay.example.com", "--format", "kubelet"), "missing.\n")
	if got := file(t, config, configPath); got != want {
		t.Errorf("the node gets the configuration\n%s", got)
	}
	units := map[string]string{}
	for _, unit := range config.Systemd.Units {
		if unit.Contents != nil {
			units[unit.Name] = *unit.Contents
		}
		for _, dropin := range unit.Dropins {
			units[unit.Name] += *dropin.Contents
		}
	}
	for name, texts := range map[string][]string{
		"quay-keyless-install.service": {"Before=kubelet.service", "podman cp quay-keyless-install:/usr/local/bin/quay-keyless " + binaries},
		"kubelet.service":              {"--image-credential-provider-config=" + configPath, "--image-credential-provider-bin-dir=" + binaries, starterPath},
	} {
		for _, text := range texts {
			if !strings.Contains(units[name], text) {
				t.Errorf("%s has no %s:\n%s", name, text, units[name])
			}
		}
	}
}

// The kubelet's own command, in the form of OpenShift's unit, runs with two more flags,
// unless the program is missing or a cloud has flags there already.
func TestStarter(t *testing.T) {
	folder := t.TempDir()
	unit, there := filepath.Join(folder, "kubelet.service"), filepath.Join(folder, "bin")
	lab.Write(t, filepath.Join(there, "quay-keyless"), "", 0o755)
	show := filepath.Join(folder, "show")
	lab.Write(t, show, "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done\n", 0o755)
	start := func(t *testing.T, more, bin string) string {
		t.Helper()
		lab.Write(t, unit, "[Service]\nType=notify\nExecStartPre=/bin/mkdir --parents /etc/kubernetes/manifests\n\nExecStart=/usr/local/bin/kubenswrapper \\\n    "+
			show+" \\\n      --node-labels=role=worker,os_id=${ID},${UNSET} \\\n      --cloud-provider= \\\n      "+more+" \\\n      --v=${LEVEL}\n\nRestart=always\n", 0o644)
		script := strings.NewReplacer("/etc/systemd/system/kubelet.service", unit, binaries, bin).Replace(file(t, machineConfig(t), starterPath))
		return lab.Command{
			Env:  map[string]string{"PATH": "/usr/bin:/bin", "ID": "rhcos", "LEVEL": "2"},
			Args: []string{"/bin/sh", "-c", script, "kubelet.sh", "--image-credential-provider-config=/c", "--image-credential-provider-bin-dir=/b"},
		}.Must(t).Stdout
	}
	own := "--node-labels=role=worker,os_id=rhcos,\n--cloud-provider=\n%s--v=2\n"
	for what, c := range map[string]struct{ more, bin, want string }{
		"both flags":         {"", there, strings.Replace(own, "%s", "", 1) + "--image-credential-provider-config=/c\n--image-credential-provider-bin-dir=/b\n"},
		"no program":         {"", filepath.Join(folder, "none"), strings.Replace(own, "%s", "", 1)},
		"a cloud's provider": {"--image-credential-provider-config=/ecr", there, strings.Replace(own, "%s", "--image-credential-provider-config=/ecr\n", 1)},
	} {
		t.Run(what, func(t *testing.T) {
			if got := start(t, c.more, c.bin); got != c.want {
				t.Errorf("the kubelet got\n%s\nnot\n%s", got, c.want)
			}
		})
	}
}

// The unit's commands copy the program out of our image, and do so again at the next boot.
func TestInstall(t *testing.T) {
	env := lab.Containers(t, os.Getenv("PATH"))
	image, folder := lab.Image(t, env), t.TempDir()
	lab.Write(t, filepath.Join(folder, "config.json"), "{}", 0o600)
	var unit string
	for _, u := range machineConfig(t).Systemd.Units {
		if u.Contents != nil {
			unit = *u.Contents
		}
	}
	place := strings.NewReplacer(binaries, filepath.Join(folder, "bin"), "/var/lib/kubelet", folder, released, image)
	for range 2 {
		for line := range strings.Lines(place.Replace(unit)) {
			key, command, _ := strings.Cut(strings.TrimSpace(line), "=")
			if !strings.HasPrefix(key, "ExecStart") {
				continue
			}
			outcome := lab.Command{Env: env, Args: strings.Fields(strings.TrimPrefix(command, "-"))}.Run(t)
			if outcome.Exit != 0 && !strings.HasPrefix(command, "-") {
				t.Fatalf("%s: exit code %d\n%s", command, outcome.Exit, outcome.Log())
			}
		}
	}
	version := lab.Command{Args: []string{filepath.Join(folder, "bin", "quay-keyless"), "version"}}.Must(t)
	if !strings.Contains(version.Stdout, "v0.0.0-e2e") {
		t.Errorf("the node has %s", version.Stdout)
	}
}
