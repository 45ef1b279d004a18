// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What docs/development.md has people type beside a sandbox works.
func TestDocumentedSession(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "development.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "\n. ./sandbox.env ")
	block, _, ended := strings.Cut(block, "\n```\n")
	if !found || !ended {
		t.Fatal("docs/development.md has no block with a sandbox")
	}
	folder := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder}
	for name, value := range served(t) {
		env = append(env, name+"="+value)
	}
	commands := strings.Split(block, "\n")[1:]
	if len(commands) < 3 {
		t.Errorf("the block has %d commands", len(commands))
	}
	for _, line := range commands {
		words := strings.Fields(line)
		command := exec.Command(strings.TrimPrefix(words[0], "bin/"), words[1:]...)
		command.Dir, command.Env = folder, env
		if said, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, jwt.ReplaceAll(said, []byte("[token]")))
		}
	}
}
