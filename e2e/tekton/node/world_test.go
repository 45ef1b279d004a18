// SPDX-License-Identifier: Apache-2.0

// Package node runs our credential provider as real nodes do: by a real kubelet with a
// real API server, by the kubelet's plugin code alone, and it reads our configuration with
// the programs that it is for. The container runtime is Kubernetes' own fake, which pulls
// with the login that the kubelet hands it; Quay is the sandbox.
package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/cluster"
	"quay-keyless/internal/sandbox"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const (
	namespace = "apps"
	patience  = 3 * time.Minute
	seed      = "acme+seed"
	password  = "STATIC-PASSWORD-OF-SEED"
)

// newSandbox starts a Quay whose robots trust service accounts of an issuer, with an
// image in two organizations.
func newSandbox(t *testing.T, issuer string, issuerCA []byte) (sb *sandbox.Sandbox, ca string) {
	t.Helper()
	entry := func(accounts ...string) []sandbox.Entry {
		var entries []sandbox.Entry
		for _, account := range accounts {
			entries = append(entries, sandbox.Entry{Issuer: issuer, Subject: "system:serviceaccount:" + namespace + ":" + account, Audiences: []string{"quay"}})
		}
		return entries
	}
	sb, ca = lab.SandboxOf(t, sandbox.Config{IssuerCA: issuerCA, Robots: []sandbox.Robot{
		{Name: "acme+pull", Federation: entry("web", "removed", "both"), Grants: map[string]sandbox.Role{"acme/app": sandbox.Read}},
		{Name: "other+pull", Federation: entry("both"), Grants: map[string]sandbox.Role{"other/app": sandbox.Read}},
		{Name: seed, Password: password, Grants: map[string]sandbox.Role{"acme/app": sandbox.Write, "other/app": sandbox.Write}},
	}})
	for _, repository := range []string{"acme/app", "other/app"} {
		image, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		reference, err := name.ParseReference(sb.Host + "/" + repository)
		if err != nil {
			t.Fatal(err)
		}
		err = remote.Write(reference, image, remote.WithContext(t.Context()), remote.WithTransport(sb.Client().Transport),
			remote.WithAuth(&authn.Basic{Username: seed, Password: password}))
		if err != nil {
			t.Fatal(err)
		}
	}
	return sb, ca
}

// install puts the program and its configuration where a kubelet finds them.
func install(t *testing.T, arguments ...string) (config, binaries string) {
	t.Helper()
	folder := t.TempDir()
	config, binaries = filepath.Join(folder, "config.yaml"), filepath.Join(folder, "bin")
	lab.Copy(t, lab.Program(), filepath.Join(binaries, "quay-keyless"), 0o755)
	lab.Write(t, config, printed(t, append(arguments, "--format", "kubelet")...), 0o644)
	return config, binaries
}

// printed is what `credential-provider config` prints.
func printed(t *testing.T, arguments ...string) string {
	t.Helper()
	args := append([]string{lab.Program(), "credential-provider", "config"}, arguments...)
	return lab.Command{Args: args}.Must(t).Stdout
}

// world is a cluster with one node, whose kubelet is real.
type world struct {
	*cluster.Cluster
	sandbox       *sandbox.Sandbox
	ca            string // a file
	kubelet, runs *log   // what the kubelet says, and what the runtime pulled
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cluster: cluster.StartAPI(t), kubelet: &log{}, runs: &log{}}
	w.Namespace(t, namespace)
	for _, object := range read(t, lab.Read(t, lab.Path("kubernetes", "issuer-discovery.yaml"))) {
		w.Create(t, namespace, object)
	}
	w.sandbox, w.ca = newSandbox(t, w.URL.String(), w.CA)
	config, binaries := install(t, w.sandbox.Host, "--ca-certificate", w.ca)
	folder, err := os.MkdirTemp("", "node-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { clean(t, folder) })
	socket := filepath.Join(folder, "cri.sock")
	w.start(t, w.runs, io.Discard, cluster.Program(t, "runtime"), socket, w.ca)
	w.WaitUntil(t, "the runtime listens", patience, func(context.Context) error { _, err := os.Stat(socket); return err })
	w.startKubelet(t, folder, socket, config, binaries)
	return w
}

// startKubelet starts a kubelet that works in an unprivileged container.
func (w *world) startKubelet(t *testing.T, folder, socket, config, binaries string) {
	t.Helper()
	port := func() string {
		free, err := lab.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		return free
	}
	lab.Write(t, filepath.Join(folder, "kubeconfig"), w.NodeConfig(t), 0o600)
	lab.Write(t, filepath.Join(folder, "kubelet.yaml"), fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%s
failSwapOn: false
failCgroupV1: false
cgroupsPerQOS: false
enforceNodeAllocatable: []
evictionHard: {}
localStorageCapacityIsolation: false
port: %s
readOnlyPort: 0
healthzPort: %s
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
`, socket, port(), port()), 0o644)
	w.start(t, io.Discard, w.kubelet, cluster.Program(t, "kubelet"),
		"--config", filepath.Join(folder, "kubelet.yaml"), "--kubeconfig", filepath.Join(folder, "kubeconfig"),
		"--root-dir", filepath.Join(folder, "root"), "--cert-dir", filepath.Join(folder, "certificates"),
		"--hostname-override", cluster.Node, "--v", "5",
		"--image-credential-provider-config", config, "--image-credential-provider-bin-dir", binaries)
	w.WaitUntil(t, "the node is there", patience, func(ctx context.Context) error {
		_, err := w.Kubernetes.CoreV1().Nodes().Get(ctx, cluster.Node, metav1.GetOptions{})
		return err
	})
}

// start starts a process that ends with the test, in a folder that is empty: a kubelet
// whose runtime names no log of a container removes all files of its working directory.
func (w *world) start(t *testing.T, stdout, stderr io.Writer, arguments ...string) {
	t.Helper()
	command := lab.Command{Dir: t.TempDir(), Env: map[string]string{"PATH": os.Getenv("PATH")}, Args: arguments}.Start(t)
	command.Stdout, command.Stderr = stdout, stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // the test's context has ended, which killed it
}

// clean removes a folder with all that a kubelet has mounted below it.
func clean(t *testing.T, folder string) {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	lines := strings.Split(string(mounts), "\n")
	slices.Reverse(lines)
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], folder) {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Error(err)
	}
}
