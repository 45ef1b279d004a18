// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package platform_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/platform"
)

// What a step cannot hand on is found before it logs in.
func TestE2EReady(t *testing.T) {
	const inside = "PLATFORM_INSIDE"
	if os.Geteuid() == 0 && os.Getenv(inside) == "" { // root can write every file
		command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestE2EReady$", "-test.v")
		command.Dir = "/"
		command.Env = append(os.Environ(), inside+"=true")
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestE2EReady") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
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
