// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"slices"

	"quay-keyless/internal/host"
)

// advise says what the steps that follow will need to use the login.
func (a *app) advise(flags loginFlags, targets []target, result host.Result) {
	plain := slices.ContainsFunc(targets, func(t target) bool { return t.registry.PlainHTTP })
	switch {
	case plain || !flags.tlsVerify:
		a.host.Notice("hint: podman, buildah and skopeo need --tls-verify=false too")
	case flags.caCertificate != "" && !flags.installCA:
		a.host.Notice("hint: podman, buildah and skopeo need that CA too: --install-ca here, or their --cert-dir DIR with the CA in DIR/ca.crt")
	}
	named := a.env.Getenv("REGISTRY_AUTH_FILE")
	if flags.authFile != "" && named == "" {
		path := shell(result.AuthFiles[0])
		a.host.Notice("hint: podman, buildah and skopeo take that file by --authfile " + path + " or REGISTRY_AUTH_FILE=" + path)
	}
	if (len(result.Exports) > 0 || result.Path != "") && a.host.Name() != "github" {
		a.host.Notice(`hint: the lines on standard output are for the shell: eval "$(quay-keyless login ...)"`)
	}
	// GitLab's and Tekton's jobs are in containers, where nobody has sudo.
	inContainer := a.host.Name() == "gitlab" || a.host.Name() == "tekton"
	if !inContainer && !flags.helper.use && (named != "" || len(result.Exports) > 0) {
		a.host.Notice("hint: sudo drops the variable: sudo --preserve-env=REGISTRY_AUTH_FILE podman ...")
	}
}
