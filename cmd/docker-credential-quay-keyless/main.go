// SPDX-License-Identifier: Apache-2.0

// Docker-credential-quay-keyless is quay-keyless as a docker credential helper:
// whenever podman, buildah, skopeo or docker need a login for a registry, it
// exchanges the job's ID token for a fresh robot token.
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
	os.Exit(cli.CredentialHelper(context.Background(), process.OS(version, repository)))
}
