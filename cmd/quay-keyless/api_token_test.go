// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/sandbox"
)

// TestWhoReadsTheAPIToken: a token that can change an organization is the
// business of those who administer it, and of doctor. A job's commands do not
// even look whether it is there, unless the robot does not exist.
func TestWhoReadsTheAPIToken(t *testing.T) {
	t.Parallel()
	sb := startSandbox(t, sandbox.Config{})
	home := t.TempDir()
	for _, test := range []struct {
		command string
		exit    int
		reads   bool
	}{
		{"login --check acme/app", 0, false},
		{"login --robot acme+nofed", 4, false}, // with all its hints
		{"login --robot acme+nobody", 4, true}, // a robot that does not exist: near names
		{"logout", 0, false},
		{"token", 0, false},
		{"whoami", 0, false},
		{"doctor", 0, true},
		{"federation list", 0, true},
		{"federation add --from-token", 0, true},
		{"setup --from-token --dry-run", 0, true},
	} {
		variables := sb.GitHubEnv(sandbox.Job{})
		variables["GITHUB_ACTIONS"] = ""
		variables["QUAY_REGISTRY"], variables["QUAY_CA_CERTIFICATE"] = sb.Host, string(sb.CA)
		variables["QUAY_ROBOT"] = "acme+ci" // a flag wins
		variables["QUAY_API_TOKEN"], variables["HOME"] = sb.APIToken(), home
		variables["REGISTRY_AUTH_FILE"] = filepath.Join(home, "auth.json")
		var read atomic.Bool
		env := inProcess(variables, strings.Fields(test.command)...)
		env.Getenv = func(name string) string {
			if name == "QUAY_API_TOKEN" {
				read.Store(true)
			}
			return variables[name]
		}
		if exit, stdout, stderr := run(t, cli.Main, env); exit != test.exit {
			t.Errorf("%s: exit code %d\n%s%s", test.command, exit, stdout, stderr)
		}
		if read.Load() != test.reads {
			t.Errorf("%s: reads the API token: %v, want %v", test.command, read.Load(), test.reads)
		}
	}
}
