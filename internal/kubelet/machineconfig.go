// SPDX-License-Identifier: Apache-2.0

package kubelet

import "fmt"

// starter starts the kubelet of an OpenShift node: by its own command, so that an update
// may change it, and with the two flags unless that would keep the node from starting or
// replace a cloud's provider.
const starter = `#!/bin/sh
# Runs the kubelet with the command of its unit and with the flags that are given, unless
# the program is missing or the command has a credential provider.
unit=/etc/systemd/system/kubelet.service
command=$(sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$unit" | sed -n 's/^ExecStart=//p')
case $command in
*--image-credential-provider-config*)
	echo "quay-keyless: the kubelet already has a credential provider" >&2
	set -- ;;
esac
if [ ! -x ` + nodeBinDir + `/quay-keyless ]; then
	echo "quay-keyless: ` + nodeBinDir + `/quay-keyless is missing" >&2
	set --
fi
# The unit's variables are in the environment.
eval "exec ${command#/usr/local/bin/kubenswrapper} \"\$@\""
`

const starterPath = "/etc/kubernetes/quay-keyless/kubelet.sh"

// install copies the program out of our image, which has no shell. Without it the node
// starts all the same.
const install = `[Unit]
Description=Copy quay-keyless out of its image
Wants=network-online.target
After=network-online.target
Before=kubelet.service
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=120
ExecStartPre=/usr/bin/mkdir -p ` + nodeBinDir + `
ExecStartPre=-/usr/bin/podman rm --force --ignore quay-keyless-install
ExecStart=/usr/bin/podman create --pull newer --name quay-keyless-install --authfile /var/lib/kubelet/config.json %s version
ExecStart=/usr/bin/podman cp quay-keyless-install:/usr/local/bin/quay-keyless ` + nodeBinDir + `/quay-keyless.new
ExecStart=/usr/bin/mv -f ` + nodeBinDir + `/quay-keyless.new ` + nodeBinDir + `/quay-keyless
ExecStopPost=-/usr/bin/podman rm --force --ignore quay-keyless-install
[Install]
WantedBy=multi-user.target
`

// dropIn makes the kubelet start by [starter].
const dropIn = `[Unit]
Wants=quay-keyless-install.service
After=quay-keyless-install.service
[Service]
ExecStart=
ExecStart=/usr/local/bin/kubenswrapper /bin/sh ` + starterPath + ` \
  --image-credential-provider-config=` + configPath + ` \
  --image-credential-provider-bin-dir=` + nodeBinDir + `
`

func (n Node) machineConfig() string {
	return fmt.Sprintf(`# For OpenShift 4.21 or later. Red Hat does not support this credential provider. On AWS, Azure
# and Google Cloud the kubelet already has one, and this MachineConfig changes nothing there.
# Applying it restarts the worker nodes one after another. Try it on one node in a pool of
# its own first. For control plane nodes, apply a copy with the role master.
apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  name: 99-worker-quay-keyless
  labels:
    machineconfiguration.openshift.io/role: worker
spec:
  config:
    ignition:
      version: 3.4.0
    storage:
      files:
      # the output of --format kubelet
      - path: %s
        mode: 420 # 0644
        overwrite: true
        contents:
          source: "%s"
      # runs the kubelet's own command with two more flags
      - path: %s
        mode: 493 # 0755
        overwrite: true
        contents:
          source: "%s"
    systemd:
      units:
      - name: quay-keyless-install.service
        enabled: true
        contents: |
          %s
      - name: kubelet.service
        dropins:
        - name: 50-quay-keyless.conf
          contents: |
            %s
`, configPath, dataURL(n.provider()), starterPath, dataURL(starter),
		indented(fmt.Sprintf(install, n.Image), "          "), indented(dropIn, "            "))
}
