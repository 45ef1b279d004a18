// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// workflow has one job, which logs in by the release and shows who it then is.
const workflow = `on: push
permissions:
  contents: read
  id-token: write
jobs:
  job:
    runs-on: ubuntu-latest
    steps:
      - id: quay
        uses: OWNER/quay-keyless@v1
        with:
          registry: ${{ env.REGISTRY }}
          robot: acme+ci
          ca-certificate: ${{ env.CA }}
      - id: after
        run: |
          ! command -v go
          grep -c "$REGISTRY" "$HOME/.docker/config.json"
`

// alone says whether this process has a network of its own, with nothing in it
// but the loopback. If not, it runs the test again in a process that has.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(again) != "" {
		return true
	}
	inner := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	inner.Env = append(os.Environ(), again+"="+filepath.Dir(rehearsal.dist))
	inner.SysProcAttr = asRoot(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET})
	output, err := inner.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("without a network: %v\n%s", err, output)
	}
	return false
}

// asRoot lets a process do what only root may: who is not root is it in a user
// namespace.
func asRoot(attributes *syscall.SysProcAttr) *syscall.SysProcAttr {
	if user, group := os.Getuid(), os.Getgid(); user != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: user, Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: group, Size: 1}}
	}
	return attributes
}

// loopback turns the only network device on, and proves that there is no other.
func loopback(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket) //nolint:errcheck // nothing was written
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
	elsewhere := &unix.SockaddrInet4{Port: 443, Addr: [4]byte{192, 0, 2, 1}}
	if err := unix.Connect(socket, elsewhere); !errors.Is(err, unix.ENETUNREACH) {
		t.Fatalf("there is a network: %v", err)
	}
}

// job runs the workflow with an action's folder on a machine whose PATH has a
// shell's tools and Node, and no Go.
func job(t *testing.T, action string) (sb *sandbox.Sandbox, m *act.Machine, log act.Log) {
	t.Helper()
	sb, ca := lab.Sandbox(t)
	env := sb.GitHubEnv(sandbox.Job{})
	maps.Copy(env, map[string]string{"PATH": tools(t), "REGISTRY": sb.Host, "CA": ca})
	m = act.New(t, env)
	m.Actions["OWNER/quay-keyless@v1"] = action
	lab.Write(t, filepath.Join(m.Home, ".docker", "config.json"), former, 0o600)
	return sb, m, m.Run(t, act.Repository(t, map[string]string{"file": "content"}), workflow)
}

// former is the auth file of the machine's user before the job.
const former = `{ "auths" : {"other.example.com": {"auth":"b3RoZXI6c2VjcmV0"}} }`

// tools is a folder with the few programs that a runner and the job need.
func tools(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"bash", "sh", "cat", "git", "grep"} {
		if err := os.Symlink(lab.Tool(t, name, "apt-get install "+name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// The release commit is all that a job needs: no network but the registry's, no
// Go. It logs in, and out again when the job ends.
func TestActionOffline(t *testing.T) {
	if !alone(t) {
		return
	}
	loopback(t)
	sb, m, log := job(t, unpack(t, rehearsal.commit))
	if log.Result("job") != "success" {
		t.Fatal(log.Shown)
	}
	if outputs := log.Main("job", "quay").Outputs; outputs["username"] != "acme+ci" || outputs["registry"] != sb.Host {
		t.Errorf("outputs %q", outputs)
	}
	if after := log.Main("job", "after"); strings.TrimSpace(after.Output) != "1" {
		t.Errorf("the auth file has the login %q times", after.Output)
	}
	if now := lab.Read(t, filepath.Join(m.Home, ".docker", "config.json")); now != former {
		t.Errorf("after the job the auth file is\n%s", now)
	}
	lab.NoSecrets(t, "the log", log.Shown)
}

// What is not the release is not run: a program that was changed, and a commit
// of main, which has none.
func TestActionRefused(t *testing.T) {
	tampered := unpack(t, rehearsal.commit)
	lab.Write(t, filepath.Join(tampered, "action", "bin", "quay-keyless-"+runtime.GOOS+"-"+runtime.GOARCH), "#!/bin/sh\nexit 0\n", 0o755)
	refs := map[string]struct{ action, words string }{
		"tampered": {tampered, "is not the released one and was not run"},
		"main":     {unpack(t, "HEAD"), "use a release tag such as OWNER/quay-keyless@v1"},
	}
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			_, m, log := job(t, ref.action)
			errors := log.Main("job", "quay").Annotations("error")
			if log.Result("job") != "failure" || len(errors) != 1 || !strings.Contains(errors[0], ref.words) {
				t.Errorf("%q\n%s", errors, log.Shown)
			}
			if now := lab.Read(t, filepath.Join(m.Home, ".docker", "config.json")); now != former {
				t.Errorf("the auth file is now\n%s", now)
			}
		})
	}
}
