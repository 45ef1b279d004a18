// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/apis"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/manifest"
)

// patience is how long a loaded machine may take for one run.
const patience = 5 * time.Minute

// taskRun reads the TaskRun of a file, as a user would change it for this
// cluster: another registry, which has a CA of its own.
func (w *world) taskRun(t *testing.T, path ...string) *pipelinev1.TaskRun {
	t.Helper()
	run := only[*pipelinev1.TaskRun](t, read(t, path...))
	run.Spec.Params = append(run.Spec.Params, w.params()...)
	return run
}

func (w *world) params() pipelinev1.Params {
	return pipelinev1.Params{param("registry", w.sandbox.Host), param("ca-certificate", string(w.sandbox.CA))}
}

func param(name, value string) pipelinev1.Param {
	return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
}

// set gives a param another value.
func set(run *pipelinev1.TaskRun, name, value string) {
	run.Spec.Params = slices.DeleteFunc(run.Spec.Params, func(p pipelinev1.Param) bool { return p.Name == name })
	run.Spec.Params = append(run.Spec.Params, param(name, value))
}

func read(t *testing.T, path ...string) []manifest.Object {
	t.Helper()
	objects, err := manifest.Read(lab.Path(path...))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// only is the one object of its kind.
func only[Kind manifest.Object](t *testing.T, objects []manifest.Object) Kind {
	t.Helper()
	i := slices.IndexFunc(objects, func(o manifest.Object) bool { _, ok := o.(Kind); return ok })
	if i < 0 {
		t.Fatalf("no %T among %d objects", *new(Kind), len(objects))
	}
	return objects[i].(Kind)
}

// start creates a TaskRun.
func (w *world) start(t *testing.T, run *pipelinev1.TaskRun) *pipelinev1.TaskRun {
	t.Helper()
	run, err := w.Tekton.TektonV1().TaskRuns(namespace).Create(t.Context(), run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// run runs a TaskRun to its end, whatever that is.
func (w *world) run(t *testing.T, run *pipelinev1.TaskRun) *pipelinev1.TaskRun {
	t.Helper()
	return w.finish(t, w.start(t, run).Name)
}

// finish waits for the end of a TaskRun.
func (w *world) finish(t *testing.T, name string) *pipelinev1.TaskRun {
	t.Helper()
	var run *pipelinev1.TaskRun
	w.await(t, "TaskRun "+name+" ends", func(ctx context.Context) (done bool, err error) {
		run, err = w.Tekton.TektonV1().TaskRuns(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && run.IsDone(), err
	})
	return run
}

var errNotYet = errors.New("not yet")

// await asks until it is done.
func (w *world) await(t *testing.T, what string, done func(context.Context) (bool, error)) {
	t.Helper()
	w.WaitUntil(t, what, patience, func(ctx context.Context) error {
		is, err := done(ctx)
		if err == nil && !is {
			return errNotYet
		}
		return err
	})
}

// succeeds runs a TaskRun that is to succeed.
func (w *world) succeeds(t *testing.T, run *pipelinev1.TaskRun) *pipelinev1.TaskRun {
	t.Helper()
	run = w.run(t, run)
	w.succeeded(t, run)
	return run
}

func (w *world) succeeded(t *testing.T, run *pipelinev1.TaskRun) {
	t.Helper()
	if !run.IsSuccessful() {
		w.tellSteps(t, run)
		t.FailNow()
	}
}

// tellSteps logs how a TaskRun ended, and what its steps said.
func (w *world) tellSteps(t *testing.T, run *pipelinev1.TaskRun) {
	t.Helper()
	t.Logf("TaskRun %s: %+v", run.Name, run.Status.GetCondition(apis.ConditionSucceeded))
	for _, step := range run.Status.Steps {
		if step.Terminated != nil && run.Status.PodName != "" {
			t.Logf("step %s: exit code %d\n%s", step.Name, step.Terminated.ExitCode, w.log(t, run, step.Name))
		}
	}
}

// results are those of a step or of a run, by name.
func results(list []pipelinev1.TaskRunResult) map[string]string {
	found := map[string]string{}
	for _, result := range list {
		found[result.Name] = result.Value.StringVal
	}
	return found
}

// log is what a step said.
func (w *world) log(t *testing.T, run *pipelinev1.TaskRun, step string) string {
	t.Helper()
	text, err := w.kubelet.Logs(types.NamespacedName{Namespace: namespace, Name: run.Status.PodName}, "step-"+step)
	if err != nil {
		t.Error(err)
	}
	return text
}

// fails runs a TaskRun whose step is to fail with an exit code and a reason. It
// returns the step's log, which ends with the error and the lines that belong to it.
func (w *world) fails(t *testing.T, run *pipelinev1.TaskRun, step string, code int32, reason string) (log string) {
	t.Helper()
	run = w.run(t, run)
	log = w.log(t, run, step)
	i := slices.IndexFunc(run.Status.Steps, func(s pipelinev1.StepState) bool { return s.Name == step })
	if i < 0 || run.Status.Steps[i].Terminated == nil || run.Status.Steps[i].Terminated.ExitCode != code {
		t.Fatalf("TaskRun %s: %+v\n%s", run.Name, run.Status.Steps, log)
	}
	// Tekton's entrypoint adds its own warnings since 1.13.
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(log), "\n"), func(line string) bool {
		return strings.Contains(line, " WARN ") || strings.HasPrefix(line, "       ")
	})
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "error: ") || !strings.HasSuffix(last, " ["+reason+"]") {
		t.Errorf("the log does not end with the error [%s]:\n%s", reason, log)
	}
	for _, later := range run.Status.Steps[i+1:] {
		if later.Terminated == nil || later.Terminated.ExitCode == 0 {
			t.Errorf("step %s ran: %+v", later.Name, later)
		}
	}
	if len(run.Status.Results) > 0 {
		t.Errorf("results %+v", run.Status.Results)
	}
	return log
}

// create creates the objects of a file that are there once for all runs.
func (w *world) create(t *testing.T, objects ...manifest.Object) {
	t.Helper()
	for _, object := range objects {
		w.Create(t, namespace, object)
	}
}

// podOf runs a Pod, which a controller that does not run here would make of a
// template, to its end.
func (w *world) podOf(t *testing.T, name string, template corev1.PodTemplateSpec) *corev1.Pod {
	t.Helper()
	pods := w.Kubernetes.CoreV1().Pods(namespace)
	pod, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"}, Spec: template.Spec,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name = pod.Name
	w.await(t, "Pod "+name+" ends", func(ctx context.Context) (bool, error) {
		pod, err = pods.Get(ctx, name, metav1.GetOptions{})
		return err == nil && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed), err
	})
	if pod.Status.Phase == corev1.PodSucceeded {
		return pod
	}
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		text, _ := w.kubelet.Logs(types.NamespacedName{Namespace: namespace, Name: pod.Name}, container.Name)
		t.Logf("container %s:\n%s", container.Name, text)
	}
	t.Fatalf("Pod %s: %s %s", pod.Name, pod.Status.Reason, pod.Status.Message)
	return nil
}
