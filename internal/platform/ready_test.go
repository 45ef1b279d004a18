// SPDX-License-Identifier: Apache-2.0

//go:build unix

package platform_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/internal/platform"
)

// A container that a step starts by itself has the variables, but not the folder.
func TestReadyWithoutTheFolder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"GITHUB_STATE", "GITHUB_ENV"} {
		variables := map[string]string{"GITHUB_ACTIONS": "true", name: filepath.Join(t.TempDir(), "none", "file")}
		var curable *platform.Curable
		if err := detect(variables, &bytes.Buffer{}).Ready(); !errors.As(err, &curable) || curable.Reason != "no-place" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
