// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"context"
	"io"
	"os"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
)

// credentialHelper is the program under its other name, with the clock that
// program has. What it says is kept for the search for secrets, but for get's
// answer on stdout, whose purpose is to hold one.
func credentialHelper() {
	env := process.OS("v0.0.0-test", "")
	env.Clock, env.OS = scriptClock(), "linux"
	env.Stderr = io.MultiWriter(env.Stderr, record(env.Args))
	os.Exit(cli.CredentialHelper(context.Background(), env))
}
