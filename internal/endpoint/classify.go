// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

// NoRoots is the error of a certificate that did not verify on a system without any CA
// certificates, as in slim container images.
type NoRoots struct{ Err error }

// Error is Err's.
func (n *NoRoots) Error() string { return n.Err.Error() }

// Unwrap returns Err.
func (n *NoRoots) Unwrap() error { return n.Err }

// rootless marks an error as [NoRoots] if it is one.
func rootless(err error) error {
	var unknown x509.UnknownAuthorityError
	var unreadable x509.SystemRootsError
	if !errors.As(err, &unknown) && !errors.As(err, &unreadable) {
		return err
	}
	if roots, loading := x509.SystemCertPool(); loading == nil && !roots.Equal(x509.NewCertPool()) {
		return err
	}
	return &NoRoots{err}
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
