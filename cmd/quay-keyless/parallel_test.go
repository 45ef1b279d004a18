// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quay-keyless/internal/sandbox"
)

// crowd is a registry with many robots, each of an organization of its own, and
// one auth file for all of them.
type crowd struct {
	sandbox            *sandbox.Sandbox
	work, certs, token string
	authFile           string
}

const (
	logins       = 64
	besidePodman = 40 // of them
	podmanLogins = besidePodman / 2
)

// robot is the i-th robot. Podman's come after ours.
func robot(i int) string { return fmt.Sprintf("%s+ci", organization(i)) }

func organization(i int) string { return fmt.Sprintf("acme%02d", i) }

func password(i int) string { return fmt.Sprintf("PASSWORD-OF-%02d", i) }

func newCrowd(t *testing.T) crowd {
	t.Helper()
	config := sandbox.Config{Log: t.Output()}
	for i := range logins + podmanLogins {
		trust := sandbox.Entry{Issuer: "github", Subject: "repo:acme/app:ref:refs/heads/main", Audiences: []string{"quay"}}
		config.Robots = append(config.Robots, sandbox.Robot{Name: robot(i), Password: password(i), Federation: []sandbox.Entry{trust}})
	}
	sb := startSandbox(t, config)
	token, err := sb.Mint(sandbox.Token{Claims: map[string]any{"exp": time.Now().Add(time.Hour).Unix()}})
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	c := crowd{sandbox: sb, work: work, certs: filepath.Join(work, "certs"), token: filepath.Join(work, "id-token")}
	c.authFile = filepath.Join(work, "auth.json")
	err = errors.Join(os.Mkdir(c.certs, 0o700), os.WriteFile(filepath.Join(c.certs, "ca.crt"), sb.CA, 0o600), os.WriteFile(c.token, []byte(token), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// command is one that knows the crowd's home and nothing of this machine's.
func (c crowd) command(t *testing.T, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.work, "TMPDIR=" + c.work, "WORK=" + c.work,
		"GORACE=" + noSleep,
	}
	return command
}

// ours is the i-th robot's login by the program. How long so many take on a busy
// machine is not what the tests are about.
func (c crowd) ours(t *testing.T, i int) *exec.Cmd {
	return c.command(t, "quay-keyless", "login", c.sandbox.Host+"/"+organization(i), "--robot", robot(i), "--authfile", c.authFile,
		"--id-token-file", c.token, "--ca-certificate", filepath.Join(c.certs, "ca.crt"), "--timeout", "15m")
}

// together runs all commands at once. Each must succeed.
func together(t *testing.T, commands []*exec.Cmd) {
	t.Helper()
	var group sync.WaitGroup
	for _, command := range commands {
		group.Go(func() {
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(command.Args, " "), err, output)
			}
		})
	}
	group.Wait()
}

// wantOurs fails for each of the first robots without an entry of its own.
func (c crowd) wantOurs(t *testing.T, logins int) {
	t.Helper()
	text, err := os.ReadFile(c.authFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Auths map[string]struct{ Auth string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for i := range logins {
		key := c.sandbox.Host + "/" + organization(i)
		login, err := base64.StdEncoding.DecodeString(file.Auths[key].Auth)
		if user, token, _ := strings.Cut(string(login), ":"); err != nil || user != robot(i) || !strings.HasPrefix(token, "eyJ") {
			t.Errorf("%s has a login as %q, not %s's robot token", key, user, robot(i))
		}
	}
	if err := findSecrets(c.work); err != nil {
		t.Error(err)
	}
}

// Jobs on one machine share its auth file; none loses another's login.
func TestParallelLoginsKeepEachOther(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	var commands []*exec.Cmd
	for i := range logins {
		commands = append(commands, c.ours(t, i))
	}
	together(t, commands)
	c.wantOurs(t, logins)
}
