// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package main_test

import (
	"os"
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

// Nor does podman bring a login of ours back after its logout.
func TestE2EParallelLogoutsOutlivePodmans(t *testing.T) {
	c := newCrowd(t)
	for _, logins := range [][]*exec.Cmd{c.each(t, besidePodman, c.ours), c.each(t, podmanLogins, func(t *testing.T, i int) *exec.Cmd { return c.podmans(t, logins+i) })} {
		together(t, logins)
	}
	commands := c.each(t, besidePodman, func(t *testing.T, i int) *exec.Cmd {
		return c.command(t, "quay-keyless", "logout", c.sandbox.Host+"/"+organization(i), "--authfile", c.authFile)
	})
	for i := range podmanLogins {
		commands = append(commands, c.command(t, "sh", "-c", "podman logout --authfile "+c.authFile+" "+c.sandbox.Host+"/"+organization(logins+i)+" || true"))
	}
	together(t, commands)
	text, err := os.ReadFile(c.authFile)
	if err != nil && !os.IsNotExist(err) { // the last logout removes it
		t.Fatal(err)
	}
	for i := range besidePodman {
		if key := c.sandbox.Host + "/" + organization(i); strings.Contains(string(text), key) {
			t.Errorf("the login for %s is back", key)
		}
	}
}

// each is one command for each of so many robots.
func (c crowd) each(t *testing.T, robots int, command func(*testing.T, int) *exec.Cmd) []*exec.Cmd {
	var commands []*exec.Cmd
	for i := range robots {
		commands = append(commands, command(t, i))
	}
	return commands
}
