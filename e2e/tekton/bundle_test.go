// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"quay-keyless/e2e/lab"
)

// released is our image in the bundle, by its digest, as images.sh names it.
const released = "quay.example.com/acme/quay-keyless@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// testBundle pushes the Tekton bundle by the release's own command, to a registry
// that asks for no login, and has Tekton's resolver find in it the StepAction of one
// TaskRun and the Task of another. Both run the image that the release names.
func (w *world) testBundle(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	reference := strings.TrimPrefix(server.URL, "http://") + "/acme/quay-keyless-tekton:v1"
	env := lab.GoEnv(t)
	env["HOME"] = t.TempDir()
	pushed := lab.Command{Dir: lab.Path(), Env: env, Args: []string{"go", "run", "./internal/release", "bundle", released, reference}}.Must(t)
	in := func(kind string) pipelinev1.ResolverRef {
		return pipelinev1.ResolverRef{Resolver: "bundles", Params: pipelinev1.Params{
			param("bundle", strings.TrimSpace(pushed.Stdout)), param("name", "quay-login"), param("kind", kind),
		}}
	}

	run := w.taskRun(t, "e2e", "tekton", "testdata", "users.yaml")
	run.Spec.TaskSpec.Steps = run.Spec.TaskSpec.Steps[:2] // the login, and a step that reads it
	run.Spec.TaskSpec.Steps[0].Ref = &pipelinev1.Ref{ResolverRef: in("stepaction")}
	w.ranReleased(t, w.succeeds(t, run))

	run = w.succeeds(t, &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "bundle-"},
		Spec: pipelinev1.TaskRunSpec{
			ServiceAccountName: "quay-builder", TaskRef: &pipelinev1.TaskRef{ResolverRef: in("task")},
			Params:     append(w.params(), param("robot", "acme+ci")),
			Workspaces: []pipelinev1.WorkspaceBinding{{Name: "dockerconfig", EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	})
	w.ranReleased(t, run)
	if got := results(run.Status.Results)["robot"]; got != "acme+ci" {
		t.Errorf("the Task's result robot is %q", got)
	}
}

// ranReleased fails the test unless the run's first step had the image that the
// bundle names.
func (w *world) ranReleased(t *testing.T, run *pipelinev1.TaskRun) {
	t.Helper()
	pod, err := w.Kubernetes.CoreV1().Pods(namespace).Get(t.Context(), run.Status.PodName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if image := pod.Spec.Containers[0].Image; image != released {
		t.Errorf("the login's image is %s", image)
	}
}
