// SPDX-License-Identifier: Apache-2.0

// Package release makes a release of this checkout as the release workflow does,
// with its tag on a repository of this machine, and uses what came of it.
package release

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

const version = "v1.2.3"

// made is what all tests look at.
type made struct {
	origin  string // a bare repository whose main is this checkout
	clone   string // of it
	program string // internal/release
	dist    string
	commit  string // the release commit's id
}

// rehearsal is the release that [TestMain] makes before any test runs.
var rehearsal made

// again is the variable by which a test that runs itself again, without a
// network, says where the release is.
const again = "RELEASE_REHEARSAL"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder := os.Getenv(again)
	if folder == "" {
		var err error
		if folder, err = os.MkdirTemp("", "quay-keyless-release-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
	}
	rehearsal = made{
		origin: filepath.Join(folder, "origin.git"), clone: filepath.Join(folder, "clone"),
		program: filepath.Join(folder, "release"), dist: filepath.Join(folder, "dist"),
	}
	if os.Getenv(again) == "" {
		if err := rehearsal.make(); err != nil {
			fmt.Fprintln(os.Stderr, "making a release:", err)
			return 1
		}
	}
	commit, err := os.ReadFile(filepath.Join(folder, "commit"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	rehearsal.commit = strings.TrimSpace(string(commit))
	return m.Run()
}

// make does what the workflow's first job does.
func (r made) make() error {
	if err := lab.Repository(r.origin); err != nil {
		return err
	}
	steps := [][]string{
		{"git", "clone", "--quiet", r.origin, r.clone},
		{"go", "build", "-o", r.program, "./internal/release"},
		{"internal/release/build.sh", version, r.dist, "acme/quay-keyless"},
		{"sh", "-c", `exec "$1" commit -replace OWNER/quay-keyless=acme/quay-keyless "$2" "$3" > "$3/../commit"`, "sh", r.program, version, r.dist},
	}
	for i, step := range steps {
		folder := r.clone
		if i == 0 {
			folder = filepath.Dir(r.clone)
		}
		if err := command(folder, step...); err != nil {
			return err
		}
	}
	return nil
}

func command(folder string, arguments ...string) error {
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Dir = folder
	command.Env = append(os.Environ(), "PATH="+programs())
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(arguments, " "), err, output)
	}
	return nil
}

// programs is a PATH with the programs of e2e/setup.sh, goreleaser among them.
func programs() string { return lab.Path("e2e", "bin") + ":" + os.Getenv("PATH") }

// git runs git in a folder and gives what it says.
func git(t *testing.T, folder string, arguments ...string) string {
	t.Helper()
	outcome := lab.Command{
		Dir: folder, Env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": folder},
		Args: append([]string{"git"}, arguments...),
	}.Must(t)
	return strings.TrimSuffix(outcome.Stdout, "\n")
}
