// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Tool is the path of a program that this machine must have. The test fails
// with what to install.
func Tool(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: %s", name, install)
	}
	return path
}

// Outcome is what a command left.
type Outcome struct {
	Stdout, Stderr string
	Exit           int
}

// Log is all that the command said, for messages and searches.
func (o Outcome) Log() string { return o.Stdout + o.Stderr }

// Command is one command with an environment of its own.
type Command struct {
	Dir   string
	Env   map[string]string
	Stdin string
	Args  []string // the program first
}

// Run runs the command to its end. It fails the test only where the program
// cannot be started.
func (c Command) Run(t *testing.T) Outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := c.Start(t)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Outcome{Stdout: stdout.String(), Stderr: stderr.String(), Exit: command.ProcessState.ExitCode()}
}

// Must runs the command and fails the test where it fails.
func (c Command) Must(t *testing.T) Outcome {
	t.Helper()
	outcome := c.Run(t)
	if outcome.Exit != 0 {
		t.Fatalf("%s: exit code %d\n%s", strings.Join(c.Args, " "), outcome.Exit, outcome.Log())
	}
	return outcome
}

// Start gives the command for a test that wants to start it itself.
func (c Command) Start(t *testing.T) *exec.Cmd {
	command := exec.CommandContext(t.Context(), c.Args[0], c.Args[1:]...)
	command.Dir, command.Stdin = c.Dir, strings.NewReader(c.Stdin)
	command.Env = []string{}
	for name, value := range c.Env {
		command.Env = append(command.Env, name+"="+value)
	}
	slices.Sort(command.Env)
	return command
}

// GoEnv is an environment for the go command, with this machine's caches and
// nothing else of it. It has no HOME.
func GoEnv(t *testing.T) map[string]string {
	t.Helper()
	env := map[string]string{"PATH": os.Getenv("PATH")}
	for _, variable := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "GOPROXY", "GOSUMDB"} {
		asked := Command{Env: map[string]string{"PATH": env["PATH"], "HOME": os.Getenv("HOME"), variable: os.Getenv(variable)}, Args: []string{"go", "env", variable}}
		env[variable] = strings.TrimSpace(asked.Must(t).Stdout)
	}
	return env
}

// Containers is the environment in which buildah, podman and skopeo work on
// this machine and in CI: the user's PATH with the program in front of it, and
// a storage that ends with the test.
func Containers(t *testing.T, path string) map[string]string {
	t.Helper()
	const install = "apt-get install buildah podman runc skopeo"
	for _, tool := range []string{"buildah", "podman", "runc", "skopeo"} {
		Tool(t, tool, install)
	}
	folder := t.TempDir()
	config := filepath.Join(folder, "storage.conf")
	Write(t, config, fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n",
		filepath.Join(folder, "graph"), filepath.Join(folder, "run")), 0o644)
	return map[string]string{
		"PATH":                    filepath.Dir(program) + ":" + path,
		"HOME":                    folder,
		"TMPDIR":                  folder,
		"CONTAINERS_STORAGE_CONF": config,
		"BUILDAH_ISOLATION":       "chroot",
	}
}
