// SPDX-License-Identifier: Apache-2.0

// Package keycloak proves the OIDC source on a real Keycloak and in a real
// Chromium: each login is exchanged at the sandbox, which fetches Keycloak's
// discovery and keys as Quay does, and is used for a push.
package keycloak

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// keycloak is the one server of all tests: it takes most of a minute to start.
var keycloak *server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "quay-keyless-keycloak-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	var where bytes.Buffer
	setup := exec.Command("./setup.sh")
	setup.Stdout, setup.Stderr = &where, os.Stderr
	if err := setup.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "setup.sh:", err)
		return 1
	}
	if keycloak, err = start(strings.TrimSpace(where.String()), folder); err != nil {
		fmt.Fprintln(os.Stderr, "starting Keycloak:", err)
		return 1
	}
	defer keycloak.stop()
	return lab.Main(m) // which builds the program while Keycloak starts
}
