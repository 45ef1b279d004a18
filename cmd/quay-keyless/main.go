// SPDX-License-Identifier: Apache-2.0

// Quay-keyless logs a CI job in to a Quay registry without a stored password.
package main

import (
	"context"
	"os"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/process"
)

// version and repository are set by the release build with -ldflags.
var version, repository string

func main() {
	run := cli.Main
	if cli.IsCredentialHelper(os.Args[0]) {
		run = cli.CredentialHelper
	}
	os.Exit(run(context.Background(), process.OS(version, repository)))
}
