// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package lookup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quay-keyless/internal/authfile"
	"quay-keyless/internal/platform"
)

// unprivileged runs the rest of a test as a user whom permissions bind, and reports
// whether this is that process.
func unprivileged(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 || os.Getenv("LOOKUP_INSIDE") == t.Name() {
		return true
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	command.Dir = "/"
	command.Env = append(os.Environ(), "LOOKUP_INSIDE="+t.Name(), "GORACE=atexit_sleep_ms=0")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// TestE2EPlanOfAnUnprivilegedUser is about what only the system can refuse.
func TestE2EPlanOfAnUnprivilegedUser(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	for name, row := range map[string]struct {
		job
		closed string // what has mode 0
		want   []string
		reason authfile.Reason
	}{
		"REGISTRY_AUTH_FILE is not readable": {job{env: homeAnd("REGISTRY_AUTH_FILE", "~/a"), files: map[string]string{"a": login1}}, "a",
			[]string{"~/" + docker + family, "~/a" + image, "fatal unusable ~/a"}, authfile.NotReadable},
		"a higher file is not readable": {job{env: home, files: map[string]string{user: others}}, user,
			[]string{alone[0], alone[1], "fatal unusable ~/" + user}, authfile.NotReadable},
		"a higher file in a closed folder": {job{env: home, files: map[string]string{user: others}}, "h/.config",
			[]string{alone[0], alone[1], "fatal unusable ~/" + user}, authfile.NotReadable},
		"another user's file": {job{env: homeAnd("REGISTRY_AUTH_FILE", "/etc/passwd")}, "",
			[]string{"~/" + docker + family, "/etc/passwd" + image, "fatal unusable /etc/passwd"}, authfile.Foreign},
		"root's /run/containers": {job{env: map[string]string{"HOME": "~/h"}, uid: 7, files: map[string]string{ownRuntime: login1}}, "run/containers",
			[]string{inDocker, "REGISTRY_AUTH_FILE=~/" + docker, "warning runtime"}, authfile.Other},
		"a runtime folder that is closed": {job{env: homeAnd("XDG_RUNTIME_DIR", "~/x/y"), uid: 7, owner: 7, files: map[string]string{"x/y/z": ""}}, "x",
			[]string{inDocker, "REGISTRY_AUTH_FILE=~/" + docker, "warning runtime ~/x/y"}, authfile.Other},
	} {
		t.Run(name, func(t *testing.T) {
			row.bare = row.closed != "x"
			p, root := row.lay(t)
			if row.closed != "" {
				chmod(t, filepath.Join(root, row.closed), 0)
			}
			plan, err := p.InPlace(ours)
			if err != nil {
				t.Fatal(err)
			}
			wantPlan(t, plan, root, row.want)
			for _, c := range plan.Conflicts {
				if c.Err != nil {
					wantReason(t, c.Err, row.reason)
				}
			}
		})
	}
}

func TestE2EReadOnlyHome(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	for name, files := range map[string]map[string]string{
		"empty": {"h/x": ""}, "with a config.json": {docker: others},
	} {
		p, root := job{env: home, files: files}.lay(t)
		for _, folder := range []string{"h", "h/.docker"} {
			if _, err := os.Stat(filepath.Join(root, folder)); err == nil {
				chmod(t, filepath.Join(root, folder), 0o555)
			}
		}
		_, err := p.InPlace(ours)
		if platform.MessageOf(err).Reason != "no-place" || !strings.Contains(err.Error(), filepath.Join(root, docker)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Isolated(filepath.Join(root, "i"), Inherit{}, ours); err != nil {
			t.Errorf("%s: isolated: %v", name, err)
		}
	}
}

// A file that is only read need not be ours: podman does not ask either.
func TestE2ELookAtAnotherUsersFile(t *testing.T) {
	if !unprivileged(t) {
		return
	}
	_, _, err := look("/etc/passwd", by())
	wantReason(t, err, authfile.NotJSON)
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, 0o700) }) // for TempDir
}
