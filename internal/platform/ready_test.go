// SPDX-License-Identifier: Apache-2.0

//go:build unix

package platform_test

import (
	"bytes"
	"errors"
	"os"
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

// What a step cannot hand on is found before it logs in.
func TestReady(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root can write every file")
	}
	for _, name := range []string{"GITHUB_STATE", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH"} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o400); err != nil {
			t.Fatal(err)
		}
		variables := map[string]string{"GITHUB_ACTIONS": "true", name: path}
		err := detect(variables, &bytes.Buffer{}).Ready()
		var curable *platform.Curable
		if !errors.As(err, &curable) || !strings.Contains(err.Error(), name) || !strings.Contains(curable.Steps[0].Values[0].Value, "options: --user") {
			t.Errorf("%s: %v", name, err)
		}
		variables[name] += ".missing"
		if err := detect(variables, &bytes.Buffer{}).Ready(); err != nil {
			t.Error(err)
		}
	}
}
