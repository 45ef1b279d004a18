// SPDX-License-Identifier: Apache-2.0

// Package tools proves that the tools of the steps that follow find a login
// where the program says that it is: Debian's podman, buildah and skopeo, and
// the libraries by which docker, crane, helm, oras and newer releases of
// skopeo look. It is a module of its own, for the libraries' sake.
package tools

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"quay-keyless/e2e/lab"
)

// probe is the path of the program that looks by a library's rules.
var probe string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "quay-keyless-probe-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	probe = filepath.Join(folder, "probe")
	build := exec.Command("go", "build", "-o", probe, "./probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the probe:", err)
		return 1
	}
	return lab.Main(m)
}
