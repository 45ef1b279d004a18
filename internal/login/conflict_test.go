// SPDX-License-Identifier: Apache-2.0

package login

import (
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/lookup"
)

// Where tools would look in different places, the hints are what a shell needs so
// that all find the login.
func TestNoRuntimeDirWords(t *testing.T) {
	t.Parallel()
	exports := []lookup.Variable{{Name: "REGISTRY_AUTH_FILE", Value: "/home/a user/.docker/config.json"}, {Name: "DOCKER_CONFIG", Value: "/home/b/.docker"}}
	message := ConflictWords(lookup.Conflict{Kind: lookup.NoRuntimeDir}, exports)
	want := []string{"export REGISTRY_AUTH_FILE='/home/a user/.docker/config.json'", "export DOCKER_CONFIG=/home/b/.docker"}
	if !strings.Contains(message.Text, "XDG_RUNTIME_DIR") || !slices.Equal(message.Hints, want) {
		t.Errorf("%q with the hints %q", message.Text, message.Hints)
	}
}
