// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"crypto/tls"
	"errors"
	"net/http"
)

// NotTrusted reports whether err is a server's certificate that did not
// verify: an unknown authority, another name, or out of its time.
func NotTrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

// NoTLS reports whether err is a server that answered on a TLS port with
// something else, most often plain http.
func NoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
}
