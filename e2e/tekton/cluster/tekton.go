// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"quay-keyless/e2e/lab"
)

// The images that Tekton puts into Pods by itself, as the kubelet has to know them.
const (
	EntrypointImage = "tekton.invalid/entrypoint"
	WorkingDirImage = "tekton.invalid/workingdirinit"
	ShellImage      = "tekton.invalid/shell"
)

// The namespaces of Tekton's controller and of its resolvers.
const (
	system    = "tekton-pipelines"
	resolvers = "tekton-pipelines-resolvers"
)

// installTekton installs the types and the configuration that the module brings.
func (c *Cluster) installTekton(t *testing.T) {
	t.Helper()
	c.Namespace(t, system)
	config := filepath.Join(moduleFolder(t, "github.com/tektoncd/pipeline"), "config")
	for _, path := range glob(t, config, "300-crds", "*.yaml") {
		definition := object(t, path)
		delete(definition["spec"].(map[string]any), "conversion") // that is the webhook's, which does not run
		c.post(t, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
	}
	c.configure(t, system, glob(t, config, "config-*.yaml"))
	c.Namespace(t, resolvers)
	c.configure(t, resolvers, glob(t, config, "resolvers", "*config*.yaml"))
	c.WaitUntil(t, "Tekton's types are served", patience, func(ctx context.Context) error {
		_, err := c.Tekton.TektonV1().TaskRuns(system).List(ctx, metav1.ListOptions{})
		return err
	})
}

// configure installs the settings that the module brings for a namespace.
func (c *Cluster) configure(t *testing.T, namespace string, paths []string) {
	t.Helper()
	for _, path := range paths {
		settings := object(t, path)
		if name := filepath.Base(path); name == "config-observability.yaml" {
			settings["data"] = map[string]string{"metrics-protocol": "none"} // it would open a port
		}
		c.post(t, "/api/v1/namespaces/"+namespace+"/configmaps", settings)
	}
}

// startResolver starts Tekton's resolver of bundles as a Deployment of it would.
func (c *Cluster) startResolver(t *testing.T) {
	t.Helper()
	c.startTekton(t, "resolver", map[string]string{
		"SYSTEM_NAMESPACE":           resolvers,
		"CONFIG_LEADERELECTION_NAME": "config-leader-election-resolvers",
		"METRICS_DOMAIN":             "tekton.dev/resolution",
	})
}

// startTekton starts one of Tekton's programs that work on the cluster.
func (c *Cluster) startTekton(t *testing.T, name string, env map[string]string, arguments ...string) {
	t.Helper()
	kubeconfig := filepath.Join(c.folder, "kubeconfig-"+name) // each its own, as another may be reading
	lab.Write(t, kubeconfig, c.kubeconfig(t, token), 0o600)
	probes, profiling := port(t), port(t)
	maps.Copy(env, map[string]string{
		"CONFIG_LOGGING_NAME":       "config-logging",
		"CONFIG_OBSERVABILITY_NAME": "config-observability",
		"CONFIG_FEATURE_FLAGS_NAME": "feature-flags",
		"PROBES_PORT":               probes,
		"PROFILING_PORT":            profiling,
		"HOME":                      c.folder,
	})
	c.start(t, env, append([]string{Program(t, name), "-kubeconfig", kubeconfig}, arguments...)...)
}

// startController starts Tekton's controller as its Deployment would.
func (c *Cluster) startController(t *testing.T) {
	t.Helper()
	c.startTekton(t, "controller", map[string]string{
		"SYSTEM_NAMESPACE":           system,
		"CONFIG_DEFAULTS_NAME":       "config-defaults",
		"CONFIG_LEADERELECTION_NAME": "config-leader-election-controller",
		"CONFIG_SPIRE":               "config-spire",
		"METRICS_DOMAIN":             "tekton.dev/pipeline",
	}, "-disable-ha=true", "-entrypoint-image", EntrypointImage, "-workingdirinit-image", WorkingDirImage, "-shell-image", ShellImage,
		"-nop-image", "tekton.invalid/nop", "-sidecarlogresults-image", "tekton.invalid/sidecarlogresults",
		"-shell-image-win", "tekton.invalid/windows")
}

// NodeConfig is the kubeconfig of the node.
func (c *Cluster) NodeConfig(t *testing.T) string { return c.kubeconfig(t, nodeToken) }

// kubeconfig is that of a token's user.
func (c *Cluster) kubeconfig(t *testing.T, token string) string {
	t.Helper()
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{
			"server": c.URL.String(), "certificate-authority-data": c.CA,
		}}},
		"users":    []any{map[string]any{"name": "user", "user": map[string]any{"token": token}}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "user"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Namespace makes a namespace with what the controllers that do not run here would
// put into it: the service account default and the cluster's CA.
func (c *Cluster) Namespace(t *testing.T, name string) {
	t.Helper()
	core, ctx := c.Kubernetes.CoreV1(), t.Context()
	_, err := core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.ServiceAccounts(name).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.ConfigMaps(name).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt"}, Data: map[string]string{"ca.crt": string(c.CA)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// post creates an object, strictly: a field that the API server does not know
// fails the test.
func (c *Cluster) post(t *testing.T, path string, object any) {
	t.Helper()
	body, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if body, err = yaml.YAMLToJSON(body); err != nil {
		t.Fatal(err)
	}
	err = c.Kubernetes.RESTClient().Post().AbsPath(path).Param("fieldValidation", "Strict").Body(body).Do(t.Context()).Error()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Create creates an object as kubectl does. An object without a namespace of its own
// gets that one, if its kind has any.
func (c *Cluster) Create(t *testing.T, namespace string, object metav1.Object) {
	t.Helper()
	folder, ok := map[string]string{
		"*v1.Task":               "/apis/tekton.dev/v1/namespaces/" + namespace + "/tasks",
		"*v1beta1.StepAction":    "/apis/tekton.dev/v1beta1/namespaces/" + namespace + "/stepactions",
		"*v1.ConfigMap":          "/api/v1/namespaces/" + namespace + "/configmaps",
		"*v1.Secret":             "/api/v1/namespaces/" + namespace + "/secrets",
		"*v1.ServiceAccount":     "/api/v1/namespaces/" + namespace + "/serviceaccounts",
		"*v1.Job":                "/apis/batch/v1/namespaces/" + namespace + "/jobs",
		"*v1.CronJob":            "/apis/batch/v1/namespaces/" + namespace + "/cronjobs",
		"*v1.Role":               "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/roles",
		"*v1.RoleBinding":        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings",
		"*v1.ClusterRole":        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
		"*v1.ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	}[fmt.Sprintf("%T", object)]
	if !ok {
		t.Fatalf("%T is not known here", object)
	}
	c.post(t, folder, object)
}

// object is a YAML file of one document, without the comments around it.
func object(t *testing.T, path string) map[string]any {
	t.Helper()
	var found map[string]any
	if err := yaml.Unmarshal([]byte(lab.Read(t, path)), &found); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return found
}

// moduleFolder is where a module that go.mod names lies on this machine.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module)
	command.Stderr = os.Stderr
	folder, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(folder))
}

func glob(t *testing.T, elements ...string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(elements...))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%q: %v", elements, err)
	}
	return paths
}
