// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"fmt"
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
	binary, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join("action", "index.js"))
	if err != nil {
		return "", err
	}
	list := fmt.Sprintf("%x  %s\n", sha256.Sum256(binary), name)
	for path, content := range map[string][]byte{
		shim: script, filepath.Join(bin, name): binary, filepath.Join(bin, "checksums.txt"): []byte(list),
	} {
		if err := os.WriteFile(path, content, 0o700); err != nil {
			return "", err
		}
	}
	return shim, nil
}
