// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// JobImage is the name of the image that [JobContainers] builds, and Debian
// that of the one below it, which has its tools but not the program.
const (
	JobImage = "localhost/quay-keyless-gitlab"
	Debian   = "localhost/debian"
)

// JobContainers is the environment in which podman runs containers of the
// Dockerfile's target gitlab, which it builds first.
func JobContainers(t *testing.T, path string) map[string]string {
	t.Helper()
	env := DebianContainers(t, path)
	BuildJobImage(t, env, JobImage)
	return env
}

// DebianContainers is [Containers] with a storage that is an overlay over the
// Debian that debian.sh keeps, and ends with the test.
func DebianContainers(t *testing.T, path string) map[string]string {
	t.Helper()
	folder, err := os.MkdirTemp("", "job-") // podman's run root has at most 50 characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	env := Containers(t, path)
	env["CONTAINERS_CONF"] = filepath.Join(folder, "containers.conf")
	env["CONTAINERS_STORAGE_CONF"] = filepath.Join(folder, "storage.conf")
	Write(t, env["CONTAINERS_CONF"], `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
`, 0o644)
	Write(t, env["CONTAINERS_STORAGE_CONF"], fmt.Sprintf(`[storage]
driver = "overlay"
graphroot = %q
runroot = %q
[storage.options]
additionalimagestores = [%q]
[storage.options.overlay]
skip_mount_home = "true"
`, filepath.Join(folder, "graph"), filepath.Join(folder, "run"), debian(t)), 0o644)
	return env
}

// debian is the folder of the storage that debian.sh has made.
func debian(t *testing.T) string {
	t.Helper()
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "XDG_CACHE_HOME": os.Getenv("XDG_CACHE_HOME")}
	return strings.TrimSpace(Command{Env: env, Args: []string{Path("e2e", "debian.sh")}}.Must(t).Stdout)
}

// BuildJobImage builds the Dockerfile's target gitlab on that Debian, with more
// flags of buildah.
func BuildJobImage(t *testing.T, env map[string]string, name string, flags ...string) {
	t.Helper()
	context := t.TempDir()
	Copy(t, Path(".dockerignore"), filepath.Join(context, ".dockerignore"), 0o644)
	Copy(t, program, filepath.Join(context, "dist", "quay-keyless-linux-"+runtime.GOARCH), 0o755)
	bud := append([]string{"buildah", "bud", "--pull-never", "--platform", "linux/" + runtime.GOARCH,
		"--tag", name, "--file", Path("Dockerfile"), "--target", "gitlab",
		"--build-arg", "DEBIAN=" + Debian, "--build-arg", "VERSION=v0.0.0-e2e"}, flags...)
	Command{Env: env, Args: append(bud, context)}.Must(t)
}
