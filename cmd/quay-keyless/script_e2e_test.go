// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestE2EScripts runs the scripts of testdata/script-e2e, which need root, podman,
// buildah and skopeo.
func TestE2EScripts(t *testing.T) {
	runScripts(t, "script-e2e", commandsAnd("unprivileged", unprivileged))
}

// unprivileged PROGRAM [ARG...] runs a program that fails, as nobody: no permission
// stops root.
func unprivileged(ts *testscript.TestScript, _ bool, args []string) {
	work := ts.Getenv("WORK")
	bin, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	for _, folder := range []string{work, filepath.Dir(work), bin, filepath.Dir(bin)} {
		ts.Check(os.Chmod(folder, 0o755))
	}
	ts.Check(os.Chmod(recordPath(work), 0o666))
	args = append([]string{"setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs"}, args...)
	if ts.Exec(args[0], args[1:]...) == nil {
		ts.Fatalf("it succeeded")
	}
}
