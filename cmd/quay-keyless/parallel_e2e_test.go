// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package main_test

import (
	"os/exec"
	"strings"
	"testing"
)

// podmans is the i-th robot's login by podman, with a password.
func (c crowd) podmans(t *testing.T, i int) *exec.Cmd {
	command := c.command(t, "podman", "login", "--authfile", c.authFile, "--cert-dir", c.certs,
		"--username", robot(i), "--password-stdin", c.sandbox.Host+"/"+organization(i))
	command.Stdin = strings.NewReader(password(i))
	return command
}

// Podman takes no lock and writes what it read some time ago, yet no login of
// ours is lost by it. (Podman's own are, as without us.)
func TestE2EParallelLoginsOutlivePodmans(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var commands []*exec.Cmd
	for i := range besidePodman {
		commands = append(commands, c.ours(t, i))
		if i%2 == 1 {
			commands = append(commands, c.podmans(t, logins+i/2))
		}
	}
	together(t, commands)
	c.wantOurs(t, besidePodman)
}
