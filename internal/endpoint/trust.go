// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"crypto/tls"
	"errors"
)

// NotTrusted reports whether err is a server's certificate that did not
// verify: an unknown authority, another name, or out of its time.
func NotTrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}
