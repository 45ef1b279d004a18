// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// node is the Node of GitHub's runner, which e2e/setup.sh installs.
func node() string {
	cpu := runtime.GOARCH
	if cpu == "amd64" {
		cpu = "x64"
	}
	return filepath.Join("e2e", "node_modules", "node-"+runtime.GOOS+"-"+cpu, "bin", "node")
}

// action lays the action out as a release has it, with the program and its
// checksum beside the shim. It gives the path of the main phase's file.
func action(folder, program string) (shim string, err error) {
	shim = filepath.Join(folder, "action", "index.js")
	name := "quay-keyless-" + runtime.GOOS + "-" + runtime.GOARCH
	bin := filepath.Join(folder, "action", "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return "", err
	}
	if err := os.Link(program, filepath.Join(bin, name)); err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join("action", "index.js"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(shim, script, 0o600); err != nil {
		return "", err
	}
	sum, err := checksum(program)
	if err != nil {
		return "", err
	}
	list := fmt.Sprintf("%x  %s\n", sum, name)
	return shim, os.WriteFile(filepath.Join(bin, "checksums.txt"), []byte(list), 0o600)
}

// checksum is a file's SHA-256. It does not read the file into memory: what this
// process has at its peak would count as its children's.
func checksum(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hash.Sum(nil), err
}
