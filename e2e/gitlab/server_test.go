// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
	"quay-keyless/internal/sandbox"
)

// server is what GitLab's server and its runner are here: gitlab-ci-local, which
// expands and runs pipelines in containers, and next to it a double that signs
// ID tokens, which gitlab-ci-local does not.
type server struct {
	sandbox   *sandbox.Sandbox
	variables map[string]string // CI/CD variables of the group
	env       map[string]string // of gitlab-ci-local itself
}

// newServer needs no containers, unless jobs are to run.
func newServer(t *testing.T) *server {
	t.Helper()
	sb, ca := lab.Sandbox(t)
	return &server{
		sandbox: sb,
		variables: map[string]string{
			"GITLAB_CI": "true", "SANDBOX_CA": lab.Read(t, ca),
			// Docker would prefer this one to a login.
			"DOCKER_AUTH_CONFIG": `{"auths":{"` + sb.Host + `":{"auth":"Z3JvdXA6b2xk"}}}`,
		},
		env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir()},
	}
}

// node is the Node that gitlab-ci-local needs.
func node(t *testing.T) string {
	t.Helper()
	nodes, err := filepath.Glob(lab.Path("e2e", "node_modules", "node-linux-*", "bin", "node"))
	if err != nil || len(nodes) != 1 {
		t.Fatalf("Node is needed: e2e/setup.sh installs it (%d found, %v)", len(nodes), err)
	}
	return nodes[0]
}

// withContainers lets the server's jobs run in containers of the job image.
func (s *server) withContainers(t *testing.T) *server {
	t.Helper()
	s.env = lab.JobContainers(t, os.Getenv("PATH"))
	return s
}

// include is the component with inputs that fit this server, and more of them.
func (s *server) include(source string, inputs ...string) string {
	fit := []string{"registry: " + s.sandbox.Host, "ca-certificate: $SANDBOX_CA", "image: " + lab.JobImage}
	return "include:\n  - " + source + "\n    inputs:\n      " + strings.Join(append(fit, inputs...), "\n      ") + "\n"
}

// component is ours as gitlab-ci-local finds it: in the project itself.
const component = "component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/quay-login@$CI_COMMIT_SHA"

// example is one of our examples, with the component from this checkout and
// inputs that fit this server.
func (s *server) example(t *testing.T, name string, inputs ...string) string {
	t.Helper()
	return s.fit(t, lab.Read(t, lab.Path("gitlab", "examples", name)), "OWNER", s.include(component, append(inputs, "robot: acme+ci")...))
}

// fit takes another way to include the component into an example of the owner's.
func (s *server) fit(t *testing.T, text, owner, include string) string {
	t.Helper()
	before, after, found := strings.Cut(text, "include:\n  - component: $CI_SERVER_FQDN/"+owner+"/quay-keyless/quay-login@v1\n"+
		"    inputs:\n      registry: quay.io\n      robot: acme+ci\n")
	if !found {
		t.Fatalf("it does not include the component as this test knows it:\n%s", text)
	}
	return before + include + after
}

// released releases this checkout to the project acme/quay-keyless of this server,
// as docs/internals/releasing.md says, and gives an example of that project, with inputs
// that fit this server. The component and the image are the project's.
func (s *server) released(t *testing.T, name string) string {
	t.Helper()
	folder := t.TempDir()
	origin, clone, project := filepath.Join(folder, "origin.git"), filepath.Join(folder, "clone"), filepath.Join(folder, "project.git")
	if err := lab.Repository(origin); err != nil {
		t.Fatal(err)
	}
	const url = "https://gitlab.example.com/acme/quay-keyless.git"
	lab.Write(t, filepath.Join(s.env["HOME"], ".gitconfig"), "[url \"file://"+project+"\"]\n\tinsteadOf = "+url+"\n", 0o644)
	env := lab.GoEnv(t)
	env["HOME"] = s.env["HOME"]
	for _, arguments := range [][]string{
		{"git", "clone", "--quiet", origin, clone},
		{"git", "init", "--quiet", "--bare", project},
		{"git", "-C", clone, "remote", "set-url", "origin", "https://github.com/acme/quay-keyless"},
		{"git", "-C", clone, "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "--quiet", "--allow-empty", "--message", "Release v1.2.3"},
		{"git", "-C", clone, "tag", "v1.2.3"},
		{"git", "-C", clone, "switch", "--quiet", "--detach", "v1.2.3^"},
		{"internal/release/mirror.sh", "v1.2.3", lab.JobImage, url},
	} {
		command := lab.Command{Dir: folder, Env: env, Args: arguments}
		if strings.HasPrefix(arguments[0], "internal/") {
			command.Dir = clone
		}
		command.Must(t)
	}
	text := lab.Command{Dir: project, Env: env, Args: []string{"git", "show", "v1:examples/" + name}}.Must(t).Stdout
	include := s.include("component: $CI_SERVER_FQDN/acme/quay-keyless/quay-login@v1", "robot: acme+ci")
	return s.fit(t, text, "acme", strings.Replace(include, "      image: "+lab.JobImage+"\n", "", 1))
}

// project is a checkout of acme/app on this server.
type project struct {
	*server
	folder    string
	variables map[string]string // CI/CD variables of the project
}

// project makes a fresh repository with a pipeline, our component, and
// something to build.
func (s *server) project(t *testing.T, pipeline string) *project {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "app")
	lab.Write(t, filepath.Join(folder, ".gitlab-ci.yml"), pipeline, 0o644)
	lab.Write(t, filepath.Join(folder, "Containerfile"), "FROM scratch\nCOPY version.txt /\n", 0o644)
	lab.Write(t, filepath.Join(folder, "version.txt"), "unknown\n", 0o644)
	template := filepath.Join("templates", "quay-login", "template.yml")
	lab.Copy(t, lab.Path("gitlab", template), filepath.Join(folder, template), 0o644)
	for _, arguments := range []string{
		"init --quiet --initial-branch main",
		"config user.name acme-dev",
		"config user.email acme-dev@example.com",
		"remote add origin https://gitlab.example.com/acme/app.git",
		"add .",
		"commit --quiet --message Begin",
		"update-ref refs/remotes/origin/main HEAD",
		"symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main",
	} {
		lab.Command{Dir: folder, Env: s.env, Args: append([]string{"git"}, strings.Fields(arguments)...)}.Must(t)
	}
	return &project{server: s, folder: folder, variables: maps.Clone(s.variables)}
}

// ciLocal runs gitlab-ci-local in the checkout.
func (p *project) ciLocal(t *testing.T, arguments ...string) lab.Outcome {
	t.Helper()
	script := lab.Path("e2e", "gitlab", "node_modules", "gitlab-ci-local", "dist", "index.js")
	if _, err := os.Stat(script); err != nil {
		t.Fatalf("gitlab-ci-local is needed: e2e/setup.sh installs it (%v)", err)
	}
	env := maps.Clone(p.env)
	env["NO_COLOR"] = "1"
	return lab.Command{Dir: p.folder, Env: env, Args: append([]string{node(t), script}, arguments...)}.Run(t)
}
