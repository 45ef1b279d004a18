// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"path/filepath"
	"runtime"
	"testing"
)

// Bundle is the CA bundle of the base image that [Build] makes: text that no
// other base has.
const Bundle = "# the base image's certificates\n"

// Image builds the Dockerfile's target cli with the built program, for this
// machine, into the storage of env. It gives the image's name.
func Image(t *testing.T, env map[string]string) string {
	t.Helper()
	context := t.TempDir()
	Copy(t, Path(".dockerignore"), filepath.Join(context, ".dockerignore"), 0o644)
	Copy(t, program, filepath.Join(context, "dist", "quay-keyless-linux-"+runtime.GOARCH), 0o755)
	return Build(t, env, context, runtime.GOARCH)
}

// Build builds the Dockerfile's target cli from a context for one CPU, on a
// base made here. It gives the image's name.
func Build(t *testing.T, env map[string]string, context, cpu string) string {
	t.Helper()
	base := t.TempDir()
	Write(t, filepath.Join(base, "bundle"), Bundle, 0o644)
	Write(t, filepath.Join(base, "Containerfile"), "FROM scratch\nCOPY bundle /etc/ssl/certs/ca-certificates.crt\n", 0o644)
	bud := []string{"buildah", "bud", "--platform", "linux/" + cpu}
	Command{Env: env, Args: append(bud, "--tag", "localhost/base-"+cpu, base)}.Must(t)
	Command{Env: env, Args: append(bud, "--tag", "localhost/quay-keyless-"+cpu, "--file", Path("Dockerfile"), "--target", "cli",
		"--build-arg", "CERTIFICATES=localhost/base-"+cpu, "--build-arg", "VERSION=v0.0.0-e2e", context)}.Must(t)
	return "localhost/quay-keyless-" + cpu
}

// Podman is the beginning of a `podman run` that works in a container of CI:
// crun and podman's own limits need capabilities that are missing there.
func Podman(arguments ...string) []string {
	return append([]string{
		"podman", "--runtime", "runc", "run", "--rm", "--network", "host",
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
	}, arguments...)
}
