// SPDX-License-Identifier: Apache-2.0

package login

import (
	"slices"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/request"
)

// advise says what the next steps need to use the login.
func advise(run *process.Run, flags Flags, targets []request.Target, result platform.Result) {
	plain := slices.ContainsFunc(targets, func(t request.Target) bool { return t.Registry.PlainHTTP })
	switch {
	case plain || !flags.TLSVerify:
		run.Platform.Notice("hint: podman, buildah and skopeo need --tls-verify=false too")
	case flags.CaCertificate != "" && !flags.InstallCA:
		run.Platform.Notice("hint: podman, buildah and skopeo need that CA too: --install-ca here, or their --cert-dir DIR with the CA in DIR/ca.crt")
	}
	if !flags.isolated && len(result.Exports) > 0 {
		run.Platform.Notice("the following steps need REGISTRY_AUTH_FILE=" + platform.Shell(result.Exports[0].Value) + ": podman's own auth.json cannot be created in a runtime folder of this user")
	}
	named := run.Env.Getenv("REGISTRY_AUTH_FILE")
	if flags.authFile != "" && named == "" {
		path := platform.Shell(result.AuthFiles[0])
		run.Platform.Notice("hint: podman, buildah and skopeo take that file by --authfile " + path + " or REGISTRY_AUTH_FILE=" + path)
	}
	if (len(result.Exports) > 0 || result.Path != "") && !run.Platform.Can().HandOn {
		run.Platform.Notice(`hint: the lines on standard output are for the shell: eval "$(quay-keyless login ...)"`)
	}
	if run.Platform.Can().Sudo && !flags.Helper.use && (named != "" || len(result.Exports) > 0) {
		run.Platform.Notice("hint: sudo drops the variable: sudo --preserve-env=REGISTRY_AUTH_FILE podman ...")
	}
}
