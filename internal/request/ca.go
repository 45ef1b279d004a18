// SPDX-License-Identifier: Apache-2.0

package request

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// TLSConfig trusts the system's roots, and the CA certificates of --ca-certificate: a
// path, PEM text or base64 of PEM text.
func TLSConfig(certificates string, readFile func(string) ([]byte, error)) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if certificates == "" { // Go's own default: the system's roots
		// Go reads them once, at the first handshake, which takes about as long as the
		// rest of a login. This reads them while connections are made.
		go x509.SystemCertPool() //nolint:errcheck // the handshake tells
		return config, nil
	}
	text, err := PEMText(certificates, readFile)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if err := addCertificates(roots, text); err != nil {
		return nil, fmt.Errorf("--ca-certificate: %w", err)
	}
	config.RootCAs = roots
	return config, nil
}

// pemBegin is what each block of PEM text begins with (RFC 7468).
const pemBegin = "-----BEGIN "

// PEMText reads the CA in any of the three forms.
func PEMText(value string, readFile func(string) ([]byte, error)) ([]byte, error) {
	if text := inPEM(value); text != nil {
		return text, nil
	}
	text, err := readFile(value)
	if err != nil {
		return nil, fmt.Errorf("--ca-certificate: %w", err)
	}
	return text, nil
}

// inPEM returns the PEM text in a value, or in base64 in it; nil for a path.
func inPEM(value string) []byte {
	if strings.Contains(value, pemBegin) {
		return []byte(value)
	}
	compact := strings.Join(strings.Fields(value), "")
	if text, err := base64.StdEncoding.DecodeString(compact); err == nil && bytes.Contains(text, []byte(pemBegin)) {
		return text
	}
	return nil
}

// addCertificates wants at least one certificate, and all of them sound:
// AppendCertsFromPEM would skip bad ones silently.
func addCertificates(roots *x509.CertPool, text []byte) error {
	begun := bytes.Count(text, []byte(pemBegin))
	if begun == 0 {
		return errors.New("it has no PEM certificate")
	}
	for i := range begun {
		block, rest := pem.Decode(text)
		switch {
		case block == nil:
			return fmt.Errorf("only %d of its %d certificates are complete", i, begun)
		case block.Type != "CERTIFICATE":
			return fmt.Errorf("it has a %s, but may have only certificates", strings.ToLower(block.Type))
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		roots.AddCert(certificate)
		text = rest
	}
	return nil
}
