// SPDX-License-Identifier: Apache-2.0

package image

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// login is what a job does in the image for GitLab: build, push, copy, and log
// out.
const login = `set -eu
umask 022
quay-keyless version
export DOCKER_CONFIG=$(mktemp --directory)
export REGISTRY_AUTH_FILE=$DOCKER_CONFIG/config.json
quay-keyless login
cd "$(mktemp --directory)"
for file in /bin/dash $(ldd /bin/dash | grep --only-matching '/[^ ]*'); do
	install -D "$file" "shell$file"
done
ln -s dash shell/bin/sh
printf "FROM scratch\nCOPY ${CHOWN-} shell /\n${RUN-}\n" >Containerfile
buildah bud --tag "$QUAY_REGISTRY/acme/app:image" .
buildah push "$QUAY_REGISTRY/acme/app:image"
skopeo copy "docker://$QUAY_REGISTRY/acme/app:image" "docker://$QUAY_REGISTRY/acme/app:copy"
quay-keyless logout
command -v docker-credential-quay-keyless
echo "done as $(id --user)"
`

// The image for GitLab: what it is, and what works in it for whom.
func TestJob(t *testing.T) {
	env := lab.JobContainers(t, os.Getenv("PATH"))
	t.Run("config", func(t *testing.T) { jobConfig(t, env) })
	t.Run("content", func(t *testing.T) { jobContent(t, env) })

	sb, ca := lab.Sandbox(t)
	token, err := sb.Mint(sandbox.Token{Issuer: "gitlab", Claims: map[string]any{"exp": time.Now().Add(time.Hour).Unix()}})
	if err != nil {
		t.Fatal(err)
	}
	env["QUAY_ID_TOKEN"], env["QUAY_CA_CERTIFICATE"] = token, lab.Read(t, ca)
	all := []string{"--env", "CHOWN=--chown=33:42", "--env", "RUN=RUN echo built >/built"}
	for name, flags := range map[string][]string{
		"as its user": all,
		"as root":     slices.Concat(all, []string{"--user", "0"}),
		// The least that the image's user needs.
		"with three capabilities": slices.Concat(all, []string{"--cap-drop", "all", "--cap-add", "SETUID,SETGID,SYS_CHROOT"}),
		// As on OpenShift: a user without a name, in root's group. Without users
		// of its own to give, all files of an image are one user's.
		"as another user":        {"--user", "1000680000:0", "--workdir", "/"},
		"without new privileges": {"--security-opt", "no-new-privileges"},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := slices.Concat(flags, []string{"--env", "QUAY_ID_TOKEN", "--env", "QUAY_CA_CERTIFICATE", "--env", "QUAY_INSTALL_CA=true",
				"--env", "GITLAB_CI=true", "--env", "QUAY_ROBOT=acme+ci", "--env", "QUAY_REGISTRY=" + sb.Host, "--interactive", lab.JobImage, "bash"})
			got := lab.Command{Env: env, Stdin: login, Args: append([]string{"podman", "run", "--rm"}, arguments...)}.Run(t)
			if got.Exit != 0 || !strings.HasPrefix(got.Stdout, "quay-keyless v0.0.0-e2e\n") || !strings.Contains(got.Stdout, "/usr/local/bin/docker-credential-quay-keyless\ndone as ") {
				t.Errorf("exit code %d\n%s", got.Exit, got.Log())
			}
			lab.NoSecrets(t, "the log", got.Log())
		})
	}
}

func jobConfig(t *testing.T, env map[string]string) {
	c := inspect(t, env, lab.JobImage).OCIv1.Config
	if c.User != "1000:1000" || len(c.Entrypoint) > 0 {
		t.Errorf("user %q, entrypoint %q: GitLab's runner wants to start a shell", c.User, c.Entrypoint)
	}
	for name, value := range map[string]string{
		"org.opencontainers.image.title":    "quay-keyless-gitlab",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.version":  "v0.0.0-e2e",
	} {
		if c.Labels[name] != value {
			t.Errorf("label %s is %q, not %q", name, c.Labels[name], value)
		}
	}
	for _, variable := range []string{"BUILDAH_ISOLATION=chroot", "STORAGE_DRIVER=vfs"} {
		if !slices.Contains(c.Env, variable) {
			t.Errorf("%s is not among %q", variable, c.Env)
		}
	}
}

// No package cache, no secret, and the same program as everywhere. Debian gets a
// package that it lacks, or nothing would be installed that leaves a cache.
func jobContent(t *testing.T, env map[string]string) {
	const image = "localhost/with-hello"
	lab.BuildJobImage(t, env, image, "--build-arg", "PACKAGES=hello")
	root := mount(t, env, image)
	defer lab.Command{Env: env, Args: []string{"buildah", "umount", "--all"}}.Must(t) // or the storage stays
	for _, pattern := range []string{"var/lib/apt/lists/*_*", "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb", "root/.docker", "home/build/.docker"} {
		if found, err := filepath.Glob(filepath.Join(root, pattern)); len(found) > 0 || err != nil {
			t.Errorf("the image has %q (%v)", found, err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/hello")); err != nil {
		t.Error(err)
	}
	if lab.Read(t, filepath.Join(root, program)) != lab.Read(t, lab.Program()) {
		t.Error("the image's program is not the one in dist")
	}
	if target, err := os.Readlink(filepath.Join(root, "usr/local/bin/docker-credential-quay-keyless")); target != "quay-keyless" {
		t.Errorf("the helper is a link to %q (%v)", target, err)
	}
}
