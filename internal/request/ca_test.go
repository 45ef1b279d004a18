// SPDX-License-Identifier: Apache-2.0

package request

import (
	"errors"
	"testing"
)

// FuzzTLSConfig reads what --ca-certificate was given. What is no certificate is an
// error, never an empty trust.
func FuzzTLSConfig(f *testing.F) {
	const head, foot = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	for _, seed := range []string{"", " ", "/no/such/file", head + "AAAA\n" + foot, head, "LS0tLS1CRUdJTiA=", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		f.Add(seed)
	}
	absent := errors.New("no such file")
	f.Fuzz(func(t *testing.T, text string) {
		config, err := TLSConfig(text, func(string) ([]byte, error) { return nil, absent })
		if err == nil && (config.InsecureSkipVerify || (config.RootCAs == nil) != (text == "")) {
			t.Errorf("%q: %+v", text, config)
		}
	})
}
