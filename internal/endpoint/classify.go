// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

// NotTrusted reports whether err is a server's certificate that did not
// verify: an unknown authority, another name, or out of its time.
func NotTrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

// TimedOut reports whether err is an answer that did not come in time, though
// a connection was there.
func TimedOut(err error) bool {
	var dial *net.OpError
	return errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &dial) && dial.Op == "dial")
}

// NoTLS reports whether err is a server that answered on a TLS port with
// something else, most often plain http.
func NoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
}
