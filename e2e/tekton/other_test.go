// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/manifest"
)

// pipeline runs a PipelineRun to its end.
func (w *world) pipeline(t *testing.T, run *pipelinev1.PipelineRun) *pipelinev1.PipelineRun {
	t.Helper()
	runs := w.Tekton.TektonV1().PipelineRuns(namespace)
	run, err := runs.Create(t.Context(), run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := run.Name
	w.await(t, "PipelineRun "+name+" ends", func(ctx context.Context) (bool, error) {
		run, err = runs.Get(ctx, name, metav1.GetOptions{})
		return err == nil && run.IsDone(), err
	})
	return run
}

// tell logs what the steps of a PipelineRun said.
func (w *world) tell(t *testing.T, run *pipelinev1.PipelineRun) {
	t.Helper()
	for _, child := range run.Status.ChildReferences {
		task, err := w.Tekton.TektonV1().TaskRuns(namespace).Get(t.Context(), child.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.tellSteps(t, task)
	}
}

// claimed is a file on the one volume that was claimed.
func (w *world) claimed(t *testing.T, elements ...string) string {
	t.Helper()
	claims := filepath.Join(w.kubelet.Folder, "claims", namespace)
	for _, claim := range entries(t, claims) {
		if strings.HasPrefix(claim, "pvc-") {
			return filepath.Join(append([]string{claims, claim}, elements...)...)
		}
	}
	t.Fatalf("nothing was claimed: %q", entries(t, claims))
	return ""
}

// here reads a file of the folder kubernetes, as a user would change it for this
// cluster: another registry, with a CA of its own.
func (w *world) here(t *testing.T, path ...string) []manifest.Object {
	t.Helper()
	text := lab.Read(t, lab.Path(path...))
	text = strings.NewReplacer("quay.io/acme", w.sandbox.Host+"/acme", " quay.io,", " "+w.sandbox.Host+",").Replace(text)
	objects, err := manifest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// trusting adds the registry's CA to what our program knows.
func (w *world) trusting(template corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	login := &template.Spec.InitContainers[0]
	login.Env = append(login.Env, corev1.EnvVar{Name: "QUAY_CA_CERTIFICATE", Value: string(w.sandbox.CA)})
	return template
}

func (w *world) testJob(t *testing.T) {
	objects := w.here(t, "kubernetes", "job.yaml")
	w.create(t, objects...)
	w.podOf(t, "job", w.trusting(only[*batchv1.Job](t, objects).Spec.Template))
	if mirrored := w.digest(t, "acme/app:mirrored", w.asSeed(t)...); mirrored != w.digest(t, "acme/app:latest", w.asSeed(t)...) {
		t.Errorf("acme/app:mirrored is %s", mirrored)
	}
}

// enforceRestricted has the API server refuse, until the test ends, each Pod that
// Kubernetes' Pod Security Standard "restricted" does.
func (w *world) enforceRestricted(t *testing.T) {
	t.Helper()
	set := func(ctx context.Context, level string) {
		patch := fmt.Appendf(nil, `{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": %q}}}`, level)
		if _, err := w.Kubernetes.CoreV1().Namespaces().Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	set(t.Context(), "restricted")
	t.Cleanup(func() { set(context.WithoutCancel(t.Context()), "privileged") })
}

// The CronJob runs twice, in a namespace that takes no other Pods than restricted
// ones.
func (w *world) testPullSecret(t *testing.T) {
	objects := w.here(t, "kubernetes", "pull-secret.yaml")
	// As `kubectl apply` creates it.
	only[*corev1.Secret](t, objects).Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}
	w.create(t, objects...)
	w.enforceRestricted(t)
	template := w.trusting(only[*batchv1.CronJob](t, objects).Spec.JobTemplate.Spec.Template)
	w.podOf(t, "pull-secret", template)
	first := w.pullSecret(t)
	w.podOf(t, "pull-secret", template)
	if w.pullSecret(t) == first {
		t.Error("the second run did not renew the Secret")
	}
}

// pullSecret pulls with the Secret's login, and gives its password.
func (w *world) pullSecret(t *testing.T) (password string) {
	t.Helper()
	secret, err := w.Kubernetes.CoreV1().Secrets(namespace).Get(t.Context(), "acme-ci-pull-secret", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	user, password := lab.Login(t, string(secret.Data[corev1.DockerConfigJsonKey]), w.sandbox.Host)
	if user != "acme+ci" {
		t.Fatalf("the Secret has a login as %q", user)
	}
	w.digest(t, "acme/app:latest", w.as(t, user, password)...)
	lab.NoSecrets(t, "the Secret's metadata", fmt.Sprint(secret.ObjectMeta))
	return password
}

// A Task longer than the login's hour. The kubelet has to renew the ID token, and
// the tool gets a robot token of that minute.
func (w *world) testLongBuild(t *testing.T) {
	t.Run("TokenRenewed", func(t *testing.T) {
		run := w.longBuild(t, func(pod types.NamespacedName) {
			if err := w.kubelet.Rotate(t.Context(), pod, 3*time.Hour); err != nil {
				t.Error(err)
			}
		})
		w.succeeded(t, run)
		w.digest(t, "acme/app:long", w.asSeed(t)...)
	})
	t.Run("TokenNotRenewed", func(t *testing.T) {
		run := w.longBuild(t, func(types.NamespacedName) {})
		if run.IsSuccessful() {
			t.Error("a push went through with an ID token that had ended")
		}
		if log := w.log(t, run, "build-and-push"); !strings.Contains(log, "expired") {
			t.Errorf("the log does not say why:\n%s", log)
		}
	})
}

// longBuild runs the example with tests that last until Quay's clock is an hour
// ahead; meanwhile happens then.
func (w *world) longBuild(t *testing.T, meanwhile func(pod types.NamespacedName)) *pipelinev1.TaskRun {
	t.Helper()
	source, begun, end := w.slowSource(t)
	run := w.taskRun(t, "tekton", "examples", "long-build.yaml")
	run.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{
		Name: "source", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: source},
	}}
	name := w.start(t, run).Name
	w.awaitText(t, "the tests of "+name+" run", begun)
	run, err := w.Tekton.TektonV1().TaskRuns(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const later = time.Hour + time.Minute
	w.sandbox.Advance(later)
	defer w.sandbox.Advance(-later)
	meanwhile(types.NamespacedName{Namespace: namespace, Name: run.Status.PodName})
	if err := os.WriteFile(end, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	return w.finish(t, name)
}

// awaitText waits until somebody writes to a FIFO, which may never be.
func (w *world) awaitText(t *testing.T, what, fifo string) {
	t.Helper()
	file, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w.await(t, what, func(context.Context) (bool, error) {
		n, err := file.Read(make([]byte, 1)) // the end of the file, while nobody has it open for writing
		return n > 0, err
	})
}

// slowSource is a claim with a source whose tests tell when they begin, and end
// when they are told.
func (w *world) slowSource(t *testing.T) (claim, begun, end string) {
	t.Helper()
	claim = "source-" + strings.ToLower(filepath.Base(t.Name()))
	folder := filepath.Join(w.kubelet.Folder, "claims", namespace, claim)
	lab.Write(t, filepath.Join(folder, "Containerfile"), "FROM scratch\nCOPY Containerfile /\n", 0o644)
	lab.Write(t, filepath.Join(folder, "test.sh"), "echo begun > begun\ncat end\n", 0o644)
	lab.Write(t, filepath.Join(folder, ".dockerignore"), "begun\nend\n", 0o644)
	begun, end = filepath.Join(folder, "begun"), filepath.Join(folder, "end")
	for _, fifo := range []string{begun, end} {
		if err := syscall.Mkfifo(fifo, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return claim, begun, end
}

// Everybody who may look at Pods, runs, events and logs sees no token.
func (w *world) testNoTokenAnywhere(t *testing.T) {
	ctx, all := t.Context(), metav1.ListOptions{}
	core, runs := w.Kubernetes.CoreV1(), w.Tekton.TektonV1()
	search(t, "a Pod")(core.Pods(namespace).List(ctx, all))
	search(t, "an event")(core.Events("").List(ctx, all))
	search(t, "a ConfigMap")(core.ConfigMaps(namespace).List(ctx, all))
	search(t, "a TaskRun")(runs.TaskRuns(namespace).List(ctx, all))
	search(t, "a PipelineRun")(runs.PipelineRuns(namespace).List(ctx, all))
	logs := 0
	err := filepath.WalkDir(filepath.Join(w.kubelet.Folder, "logs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			logs++
			lab.NoSecrets(t, path, lab.Read(t, path))
		}
		return err
	})
	if err != nil || logs < 20 {
		t.Errorf("%d logs: %v", logs, err)
	}
}

// search looks for tokens in a list of objects, which must not be empty.
func search(t *testing.T, what string) func(list any, err error) {
	return func(list any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), `"items":[{`) {
			t.Errorf("there is not %s", what)
		}
		lab.NoSecrets(t, what, string(text))
	}
}
