// SPDX-License-Identifier: Apache-2.0

package credhelper_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"quay-keyless/internal/credhelper"
	"quay-keyless/internal/idtoken"
)

func TestReadHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"quay.example":                         "quay.example",
		"quay.example:8443\n":                  "quay.example:8443",
		" Quay.Example\r\n":                    "quay.example",
		"https://quay.example":                 "quay.example",
		"HTTPS://quay.example:8443/v2/":        "quay.example:8443",
		"http://quay.example/":                 "quay.example",
		"quay.example:8443/acme/app":           "quay.example:8443",
		"https://index.docker.io/v1/":          "index.docker.io",
		"[::1]:8443":                           "[::1]:8443",
		"quay.example/acme/app:tag@sha256:abc": "quay.example",
	} {
		got, err := credhelper.ReadHost(strings.NewReader(text))
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "\n", "https://", "/acme", strings.Repeat("a", 5000)} {
		if got, err := credhelper.ReadHost(strings.NewReader(text)); err == nil || errors.Is(err, credhelper.ErrNotFound) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := credhelper.ReadHost(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}

func TestWriteCredential(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := credhelper.WriteCredential(&out, "quay.example:8443", "acme+ci", idtoken.NewSecret("eyJ.a-_.b")); err != nil {
		t.Fatal(err)
	}
	if want := `{"ServerURL":"quay.example:8443","Username":"acme+ci","Secret":"eyJ.a-_.b"}` + "\n"; out.String() != want {
		t.Errorf("%s, want %s", &out, want)
	}
}

func TestCalled(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"docker-credential-quay-keyless":          true,
		"/usr/bin/docker-credential-quay-keyless": true,
		"docker-credential-quay-keyless.exe":      true,
		"Docker-Credential-Quay-Keyless.EXE":      true,
		"quay-keyless":                            false,
		"/docker-credential-quay-keyless/x":       false,
		"docker-credential-quay-keyless-2":        false,
		"":                                        false,
	} {
		if got := credhelper.Called(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

// FuzzReadHost: whatever tools write, what comes out is a bare host that reads
// the same again, or an error that is none of a foreign host.
func FuzzReadHost(f *testing.F) {
	for _, text := range []string{"quay.example:8443\n", "https://QUAY.example/v1/", "a://b://c", " \t", "Ⱥ/x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, err := credhelper.ReadHost(strings.NewReader(text))
		if err != nil {
			if host != "" || errors.Is(err, credhelper.ErrNotFound) {
				t.Errorf("%q: %q, %v", text, host, err)
			}
			return
		}
		if host == "" || strings.Contains(host, "/") {
			t.Errorf("%q: %q", text, host)
		}
	})
}
