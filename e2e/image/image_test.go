// SPDX-License-Identifier: Apache-2.0

// Package image builds the Dockerfile by buildah and looks at what came of it.
package image

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"quay-keyless/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// config is the part of `buildah inspect` that users see.
type config struct {
	OCIv1 struct {
		Architecture string
		Config       struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
			Env        []string
		}
	}
}

func inspect(t *testing.T, env map[string]string, image string) config {
	t.Helper()
	var c config
	out := lab.Command{Env: env, Args: []string{"buildah", "inspect", "--type", "image", image}}.Must(t)
	if err := json.Unmarshal([]byte(out.Stdout), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The tests build on bases of their own: what users get without a --build-arg
// is two public tags.
func TestBases(t *testing.T) {
	tags := regexp.MustCompile(`(?m)^ARG (CERTIFICATES|DEBIAN)=[a-z0-9./-]+:[a-z0-9.-]+$`)
	if bases := tags.FindAllString(lab.Read(t, lab.Path("Dockerfile")), -1); len(bases) != 2 {
		t.Errorf("the bases are %q", bases)
	}
}

func TestCLI(t *testing.T) {
	env := lab.Containers(t, os.Getenv("PATH"))
	image := lab.Image(t, env)

	c := inspect(t, env, image).OCIv1.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{program}) {
		t.Errorf("user %q, entrypoint %q", c.User, c.Entrypoint)
	}
	want := map[string]string{
		"org.opencontainers.image.title":    "quay-keyless",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.version":  "v0.0.0-e2e",
	}
	for name, value := range want {
		if c.Labels[name] != value {
			t.Errorf("label %s is %q, not %q", name, c.Labels[name], value)
		}
	}
	run := lab.Command{Env: env, Args: append(lab.Podman("--read-only", "--cap-drop", "all", image), "version")}.Must(t)
	if run.Stdout != "quay-keyless v0.0.0-e2e\n" {
		t.Errorf("version in the image: %q", run.Log())
	}
}

// Where the image has its two files.
const (
	bundle  = "/etc/ssl/certs/ca-certificates.crt"
	program = "/usr/local/bin/quay-keyless"
)

// mount gives the folder with the image's files.
func mount(t *testing.T, env map[string]string, image string) string {
	t.Helper()
	container := lab.Command{Env: env, Args: []string{"buildah", "from", "--pull-never", image}}.Must(t)
	mounted := lab.Command{Env: env, Args: []string{"buildah", "mount", strings.TrimSpace(container.Stdout)}}.Must(t)
	return strings.TrimSpace(mounted.Stdout)
}

// The image has the program, the CA bundle, and nothing else.
func TestContent(t *testing.T) {
	env := lab.Containers(t, os.Getenv("PATH"))
	image := lab.Image(t, env)
	root := mount(t, env, image)
	var files []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path[len(root):])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(files, []string{bundle, program}) {
		t.Errorf("the image has the files %q", files)
	}
	if got := lab.Read(t, root+bundle); got != lab.Bundle {
		t.Errorf("the image's CA bundle is %q, not the base's", got)
	}
	if lab.Read(t, root+program) != lab.Read(t, lab.Program()) {
		t.Error("the image's program is not the one in dist")
	}
}

// Each platform's image has that platform's binary.
func TestPlatforms(t *testing.T) {
	env := lab.Containers(t, os.Getenv("PATH"))
	context := t.TempDir()
	platforms := []string{"amd64", "arm64", "s390x", "ppc64le"}
	for _, cpu := range platforms {
		lab.Write(t, filepath.Join(context, "dist", "quay-keyless-linux-"+cpu), "for "+cpu, 0o644)
	}
	for _, cpu := range platforms {
		image := lab.Build(t, env, context, cpu)
		c := inspect(t, env, image)
		if c.OCIv1.Architecture != cpu {
			t.Errorf("the image for %s says %q", cpu, c.OCIv1.Architecture)
		}
		if binary := lab.Read(t, mount(t, env, image)+program); binary != "for "+cpu {
			t.Errorf("the image for %s has the binary %q", cpu, binary)
		}
	}
}
