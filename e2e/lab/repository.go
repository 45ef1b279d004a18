// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// committed is when the commit is said to be made: nothing that is made from it may
// have the time of today.
const committed = "2026-01-02T03:04:05"

// Repository makes a bare repository in the folder, whose main has one commit of
// this checkout's files as they are now, committed or not.
func Repository(folder string) error {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = checkout()
	names, err := list.Output()
	if err != nil {
		return err
	}
	work := folder + ".work"
	for name := range strings.SplitSeq(strings.Trim(string(names), "\x00"), "\x00") {
		if err := copyFile(Path(name), filepath.Join(work, name)); err != nil {
			return err
		}
	}
	for _, arguments := range []string{"init --quiet --initial-branch main", "add --all", "commit --quiet --message all", "clone --quiet --bare . " + folder} {
		git := exec.Command("git", append([]string{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}, strings.Fields(arguments)...)...)
		git.Dir, git.Env = work, append(os.Environ(), "GIT_COMMITTER_DATE="+committed+"Z")
		if output, err := git.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", arguments, err, output)
		}
	}
	return nil
}

// copyFile copies a file with its mode. One that was deleted and not yet
// committed is left out.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode())
}
