// SPDX-License-Identifier: Apache-2.0

// Package lab is what the tests of every platform need: a sandbox, the program
// built from this checkout, Debian's container tools with a storage of their
// own, and commands that see no variable of the developer's machine.
//
// Run the tests with -count=1: the go command takes a result from its cache
// although a file outside this module has changed.
package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"quay-keyless/internal/sandbox"
)

// program is the path of the binary that [Main] builds before any test runs.
var program string

// Main is each package's TestMain: it builds the program as a release does,
// runs the tests, and gives the exit code.
func Main(m *testing.M) int {
	folder, err := os.MkdirTemp("", "quay-keyless-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "quay-keyless")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X main.version=v0.0.0-e2e", "-o", program, "./cmd/quay-keyless")
	build.Dir, build.Env = checkout(), append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		return 1
	}
	return m.Run()
}

// Program is the path of the built program.
func Program() string { return program }

// checkout is the repository's root.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Path is a file of the repository.
func Path(elements ...string) string {
	return filepath.Join(append([]string{checkout()}, elements...)...)
}

// Read is the content of any file.
func Read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Write makes a file and the folders above it.
func Write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// Copy copies a file.
func Copy(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	Write(t, to, Read(t, from), mode)
}

// Sandbox starts a sandbox with its default robots, and writes its CA to a
// file for the tools.
func Sandbox(t *testing.T) (sb *sandbox.Sandbox, ca string) {
	t.Helper()
	return SandboxOf(t, sandbox.Config{})
}

// SandboxOf is [Sandbox] with a configuration.
func SandboxOf(t *testing.T, config sandbox.Config) (sb *sandbox.Sandbox, ca string) {
	t.Helper()
	config.Log = t.Output()
	sb, err := sandbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	ca = filepath.Join(t.TempDir(), "ca.pem")
	Write(t, ca, string(sb.CA), 0o644)
	return sb, ca
}
