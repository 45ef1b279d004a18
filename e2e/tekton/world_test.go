// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/cluster"
	"quay-keyless/e2e/tekton/kubelet"
	"quay-keyless/internal/sandbox"
)

// world is a cluster with one node, and a Quay that trusts its issuer.
type world struct {
	*cluster.Cluster
	kubelet *kubelet.Kubelet
	sandbox *sandbox.Sandbox
}

// namespace is where everything runs.
const namespace = "builds"

// What the robots may do; the seed fills the registry, and pulls what was pushed.
const (
	seed           = "acme+seed"
	seedPassword   = "STATIC-PASSWORD-OF-SEED"
	pullerPassword = "STATIC-PASSWORD-OF-PULLER"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cluster: cluster.Start(t)}
	w.Namespace(t, namespace)
	w.startSandbox(t)
	w.startKubelet(t)
	return w
}

// startSandbox starts a Quay whose robots trust service accounts of the cluster.
func (w *world) startSandbox(t *testing.T) {
	t.Helper()
	var trusted []sandbox.Entry
	for _, account := range []string{"quay-builder", withSecret, "quay-mirror", "quay-pull-secret"} {
		trusted = append(trusted, sandbox.Entry{
			Issuer: w.URL.String(), Subject: "system:serviceaccount:" + namespace + ":" + account, Audiences: []string{"quay"},
		})
	}
	sb, err := sandbox.New(sandbox.Config{
		Log:      t.Output(),
		IssuerCA: w.CA,
		Robots: []sandbox.Robot{
			{Name: "acme+ci", Federation: trusted, Grants: map[string]sandbox.Role{"acme/app": sandbox.Write}},
			{Name: "acme-base+reader", Federation: trusted, Grants: map[string]sandbox.Role{"acme-base/runtime": sandbox.Read}},
			{Name: "acme-base+puller", Password: pullerPassword, Grants: map[string]sandbox.Role{"acme-base/runtime": sandbox.Read}},
			{Name: seed, Password: seedPassword, Grants: map[string]sandbox.Role{
				"acme/app": sandbox.Write, "acme-base/runtime": sandbox.Write,
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sb.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sb.Close() })
	w.sandbox = sb
	for _, image := range []string{"acme/app:latest", "acme-base/runtime:latest"} {
		content, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(w.reference(t, image), content, w.asSeed(t)...); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) reference(t *testing.T, image string) name.Reference {
	t.Helper()
	reference, err := name.ParseReference(w.sandbox.Host + "/" + image)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

func (w *world) asSeed(t *testing.T) []remote.Option {
	return w.as(t, seed, seedPassword)
}

func (w *world) as(t *testing.T, user, password string) []remote.Option {
	return []remote.Option{
		remote.WithContext(t.Context()), remote.WithTransport(w.sandbox.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: user, Password: password}),
	}
}

// digest pulls an image, whole, and gives its digest.
func (w *world) digest(t *testing.T, image string, options ...remote.Option) string {
	t.Helper()
	pulled, err := remote.Image(w.reference(t, image), options...)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := pulled.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		_ = content.Close()
	}
	digest, err := pulled.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// startKubelet starts the node, with images built here for the names that our
// files have.
func (w *world) startKubelet(t *testing.T) {
	t.Helper()
	env := lab.Containers(t, os.Getenv("PATH"))
	tools := kubelet.Image{Name: w.toolsImage(t, env), Options: []string{
		"--volume", "/usr:/usr:ro", "--volume", "/etc/containers:/etc/containers:ro",
	}}
	var environment []string
	for variable, value := range env {
		environment = append(environment, variable+"="+value)
	}
	own := kubelet.Image{Name: lab.Image(t, env)}
	w.kubelet = &kubelet.Kubelet{
		Client: w.Kubernetes, API: w.URL, Folder: t.TempDir(),
		Podman: lab.Podman(), Environment: environment,
		Images: map[string]kubelet.Image{
			"quay.io/OWNER/quay-keyless:v1":   own,
			released:                          own,
			"quay.io/buildah/stable:v1":       tools,
			"quay.io/skopeo/stable:v1":        tools,
			"registry.k8s.io/kubectl:v1.36.3": tools,
			cluster.ShellImage:                tools,
			cluster.EntrypointImage:           {Name: programImage(t, env, "entrypoint")},
			cluster.WorkingDirImage:           {Name: programImage(t, env, "workingdirinit")},
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.kubelet.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("kubelet: %v", err)
		}
	})
}

// toolsImage stands in for images with a shell, buildah, skopeo and kubectl: it has
// this machine's /usr mounted, and trusts the sandbox's CA.
func (w *world) toolsImage(t *testing.T, env map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	lab.Write(t, filepath.Join(folder, "root", "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n", 0o644)
	lab.Write(t, filepath.Join(folder, "root", "etc", "ssl", "certs", "ca-certificates.crt"), string(w.sandbox.CA), 0o644)
	for _, path := range []string{"usr", "etc/containers", "tmp", "var/tmp", "run", "root"} {
		if err := os.MkdirAll(filepath.Join(folder, "root", path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(folder, "root", path), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+link, filepath.Join(folder, "root", link)); err != nil {
			t.Fatal(err)
		}
	}
	return build(t, env, "tools", folder, "FROM scratch\nCOPY root/ /\n")
}

// programImage has one of Tekton's programs where Tekton's own image has it.
func programImage(t *testing.T, env map[string]string, program string) string {
	t.Helper()
	folder := t.TempDir()
	lab.Copy(t, filepath.Join("bin", program), filepath.Join(folder, program), 0o755)
	return build(t, env, program, folder, "FROM scratch\nCOPY "+program+" /ko-app/"+program+"\n")
}

func build(t *testing.T, env map[string]string, name, folder, containerfile string) string {
	t.Helper()
	lab.Write(t, filepath.Join(folder, "Containerfile"), containerfile, 0o644)
	image := "localhost/" + name
	lab.Command{Env: env, Args: []string{"buildah", "bud", "--tag", image, folder}}.Must(t)
	return image
}

// entries are the files of a folder, without those that start with a dot.
func entries(t *testing.T, folder string) []string {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return names
}
