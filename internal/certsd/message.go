// SPDX-License-Identifier: Apache-2.0

package certsd

import "quay-keyless/internal/platform"

// Message says how to do without an installed CA.
func (e *Error) Message() platform.Message { return notInstalled(e.Error()).Message() }

func notInstalled(text string) *platform.Curable {
	return &platform.Curable{Text: text, Reason: "ca-not-installed", Steps: []platform.Step{
		{Text: "Leave out --install-ca, save the CA as DIR/ca.crt, and pass --cert-dir DIR to podman, buildah and skopeo."},
	}}
}
