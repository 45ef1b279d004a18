// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// It builds the program a second time, as a release does.
func TestE2EBinaryIsSmall(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "quay-keyless")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 11_500_000 {
		t.Errorf("the binary has %d bytes: does something link text/template again?", info.Size())
	}
}
