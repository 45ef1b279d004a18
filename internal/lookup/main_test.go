// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/ownfile"
)

// host is the registry of most tests.
const host = "quay.example"

// by is the trust of the user who runs the test.
func by() ownfile.Trust { return ownfile.By(os.Getuid(), "") }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// wantReason checks the type and the reason.
func wantReason(t testing.TB, err error, want authfile.Reason) {
	t.Helper()
	var fault *authfile.Error
	if !errors.As(err, &fault) || fault.Reason != want {
		t.Errorf("error %v (%T), want one that says it %s", err, err, want)
	}
}
