// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// The release commit is main's, with the action's programs beside the shim and
// the repository's name where main has a placeholder, and without workflows.
func TestCommit(t *testing.T) {
	if parents := git(t, rehearsal.clone, "log", "-1", "--format=%P", rehearsal.commit); parents != git(t, rehearsal.origin, "rev-parse", "main") {
		t.Errorf("its parents are %q", parents)
	}
	changed := map[string]string{}
	for line := range strings.Lines(git(t, rehearsal.clone, "diff", "--name-status", "--no-renames", "HEAD", rehearsal.commit)) {
		status, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		changed[name] = status
	}
	added := []string{"checksums.txt", "quay-keyless-darwin-arm64", "quay-keyless-linux-amd64", "quay-keyless-linux-arm64", "quay-keyless-windows-amd64.exe"}
	for _, name := range added {
		if changed["action/bin/"+name] != "A" {
			t.Errorf("%s is not added", name)
		}
		delete(changed, "action/bin/"+name)
	}
	for name, status := range changed {
		switch {
		case status == "D" && strings.HasPrefix(name, ".github/workflows/"):
		case status == "M" && strings.Contains(git(t, rehearsal.clone, "show", "HEAD:"+name), "OWNER/quay-keyless"):
		default:
			t.Errorf("%s %s", status, name)
		}
	}
	if changed["action.yml"] != "M" || changed[".github/workflows/release.yml"] != "D" {
		t.Errorf("changed are %q", changed)
	}
	if readme := git(t, rehearsal.clone, "show", rehearsal.commit+":README.md"); !strings.Contains(readme, "uses: acme/quay-keyless@v1") || strings.Contains(readme, "OWNER/quay-keyless") {
		t.Error("README.md does not have the repository's name")
	}
}

// Its programs are the release's, byte for byte, and can be run.
func TestCommittedPrograms(t *testing.T) {
	action := unpack(t, rehearsal.commit)
	bin := filepath.Join(action, "action", "bin")
	lab.Command{Dir: bin, Env: path(), Args: []string{"sha256sum", "--check", "--strict", "checksums.txt"}}.Must(t)
	for line := range strings.Lines(lab.Read(t, filepath.Join(bin, "checksums.txt"))) {
		if !strings.Contains(lab.Read(t, filepath.Join(rehearsal.dist, "checksums.txt")), line) {
			t.Errorf("the release's checksums.txt does not have %q", line)
		}
		_, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if info, err := os.Stat(filepath.Join(bin, name)); err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s cannot be run: %v %v", name, info.Mode(), err)
		}
	}
}

// unpack gives a folder with a commit's files, as a runner downloads them.
func unpack(t *testing.T, commit string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	lab.Command{Dir: rehearsal.clone, Env: path(), Args: []string{"sh", "-c", `git archive "$1" | tar --extract --directory "$2"`, "sh", commit, folder}}.Must(t)
	return folder
}

// A runner downloads the commit as a tar.gz, for each job.
func TestTarball(t *testing.T) {
	size := lab.Command{Dir: rehearsal.clone, Env: path(), Args: []string{"sh", "-c", `git archive --format=tar.gz "$1" | wc -c`, "sh", rehearsal.commit}}.Must(t)
	bytes, err := strconv.Atoi(strings.TrimSpace(size.Stdout))
	if err != nil || bytes > 18_000_000 {
		t.Errorf("the release commit's tarball has %d bytes (%v): users download it for each job", bytes, err)
	}
	t.Logf("%d bytes", bytes)
}

// In another clone, with another git identity and time zone, it is the same
// commit; and making it changes neither files nor index nor branches.
func TestCommitAgain(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "other")
	git(t, t.TempDir(), "clone", "--quiet", rehearsal.origin, clone)
	git(t, clone, "config", "user.name", "somebody else")
	git(t, clone, "config", "user.email", "else@example.com")
	git(t, clone, "config", "core.autocrlf", "true")
	before := git(t, clone, "for-each-ref") + git(t, clone, "status", "--porcelain", "--branch")
	make := exec.Command(rehearsal.program, "commit", "-replace", "OWNER/quay-keyless=acme/quay-keyless", version, rehearsal.dist)
	make.Dir, make.Env = clone, append(os.Environ(), "TZ=Asia/Kathmandu", "LC_ALL=C")
	output, err := make.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if again := strings.TrimSpace(string(output)); again != rehearsal.commit {
		t.Errorf("the second time it is %s, and was %s", again, rehearsal.commit)
	}
	if after := git(t, clone, "for-each-ref") + git(t, clone, "status", "--porcelain", "--branch"); after != before {
		t.Errorf("the clone was\n%s\nand is\n%s", before, after)
	}
}
