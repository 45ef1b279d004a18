// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"strings"
	"testing"

	"quay-keyless/internal/platform"
)

// If tools look in different places, the message has what a shell needs so that all find the login.
func TestNoRuntimeDirMessage(t *testing.T) {
	t.Parallel()
	exports := []platform.Variable{{Name: "REGISTRY_AUTH_FILE", Value: "/home/a user/.docker/config.json"}}
	message := (&Conflict{Kind: NoRuntimeDir, Exports: exports}).Message()
	want := "export REGISTRY_AUTH_FILE='/home/a user/.docker/config.json'"
	if !strings.Contains(message.Text, "XDG_RUNTIME_DIR") || len(message.Steps) != 1 || message.Steps[0].Command != want {
		t.Errorf("%q with the steps %+v", message.Text, message.Steps)
	}
}

// Each kind says which tools do not find the login.
func TestConflictsNameTheTools(t *testing.T) {
	t.Parallel()
	for kind, words := range sentences {
		text := (&Conflict{Kind: kind, Path: "/auth.json", Key: "quay.example/acme", Tools: []string{"crane"}}).Message().Text
		if !strings.Contains(text, "crane") && kind != NoRuntimeDir || strings.Contains(text, "{") {
			t.Errorf("%q becomes %q", words.text, text)
		}
	}
}
