// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

// NotTrusted reports whether a server's certificate did not verify: unknown authority,
// wrong name, expired or not valid yet.
func NotTrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

// TimedOut reports whether a connection was made but the answer did not come in time.
func TimedOut(err error) bool {
	var dial *net.OpError
	return errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &dial) && dial.Op == "dial")
}

// NoTLS reports whether a server answered on a TLS port with something else, usually
// plain http.
func NoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
}
