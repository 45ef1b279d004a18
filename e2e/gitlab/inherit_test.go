// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

// plugin stands in for buildx as a plugin of the docker CLI.
const plugin = `#!/bin/sh
case $1 in
docker-cli-plugin-metadata) echo '{"SchemaVersion":"0.1.0","Vendor":"acme","Version":"v1.2.3"}' ;;
*) echo "the plugin buildx runs" ;;
esac
`

// home is docker's configuration in the home folder of the job's image, with a login.
const home = `{"currentContext":"rootless","proxies":{"default":{"httpProxy":"http://proxy.example.com:3128"}},` +
	`"auths":{"registry.example.com":{"auth":"aG9tZTpmcm9tLXRoZS1pbWFnZQ=="}}}`

// The login of the template hides nothing that docker has in the home folder of the
// job's image: its context, its plugin buildx, its settings, another login. The
// logins of the group's DOCKER_AUTH_CONFIG are in docker's file too.
func inheritJobs(t *testing.T, s *server) {
	const image = "localhost/with-docker"
	buildDockerImage(t, s, image)
	p := s.project(t, s.include(component, "robot: acme+ci")+`
build:
  extends: .quay-login
  image: `+image+`
  script:
    - docker context inspect --format 'the context is {{.Name}} at {{.Endpoints.docker.Host}}'
    - docker buildx version
    - grep -o proxy.example.com "$DOCKER_CONFIG/config.json"
    - echo "registry.example.com has $(skopeo login --get-login registry.example.com)"
    - echo "docker has group.example.com $(grep -c group.example.com "$DOCKER_CONFIG/config.json") times"
    - test -z "${DOCKER_AUTH_CONFIG+set}"
    - skopeo login --get-login "$QUAY_REGISTRY"
    - echo "the home folder has $(ls -A ~/.docker | xargs)"
    - grep -c acme+ci ~/.docker/config.json || true
`)
	p.variables["DOCKER_AUTH_CONFIG"] = `{"auths":{"group.example.com":{"auth":"Z3JvdXA6b2xk"},"` + s.sandbox.Host + `":{"auth":"Z3JvdXA6b2xk"}}}`
	r := p.run(t, "build")
	if r.Exit != 0 {
		t.Fatalf("exit code %d\n%s", r.Exit, r.Log())
	}
	r.must(t, "build", "> the context is rootless at unix:///run/user/1000/docker.sock", "> the plugin buildx runs", "> proxy.example.com",
		"> registry.example.com has home", "> docker has group.example.com 1 times", "> acme+ci",
		"> the home folder has cli-plugins config.json contexts", "logged out of "+s.sandbox.Host)
	if r.said("build", "warning:") {
		t.Errorf("the login warns:\n%s", r.Log())
	}
	p.noSecrets(t, r)
}

// buildDockerImage builds the job image with the docker CLI, a context and a plugin.
func buildDockerImage(t *testing.T, s *server, image string) {
	t.Helper()
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Fatalf("docker is needed: e2e/setup.sh installs it (%v)", err)
	}
	folder := t.TempDir()
	lab.Copy(t, docker, filepath.Join(folder, "docker"), 0o755)
	lab.Write(t, filepath.Join(folder, "docker-buildx"), plugin, 0o755)
	lab.Write(t, filepath.Join(folder, "config.json"), home, 0o600)
	lab.Write(t, filepath.Join(folder, "Containerfile"), strings.Join([]string{
		"FROM " + lab.JobImage,
		"COPY docker /usr/local/bin/docker",
		"COPY --chown=1000:1000 docker-buildx /home/build/.docker/cli-plugins/docker-buildx",
		"RUN docker context create rootless --docker host=unix:///run/user/1000/docker.sock",
		"COPY --chown=1000:1000 config.json /home/build/.docker/config.json",
		"",
	}, "\n"), 0o644)
	lab.Command{Env: s.env, Args: []string{"buildah", "bud", "--pull-never", "--tag", image, folder}}.Must(t)
}
