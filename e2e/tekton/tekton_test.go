// SPDX-License-Identifier: Apache-2.0

// Package tekton runs our StepAction, our Task and every example by the real
// Tekton controller, with ID tokens of a real API server, in real containers. The
// node is a small kubelet of our own; Quay is the sandbox, which fetches the
// issuer's discovery and keys from that API server as Quay does.
package tekton

import (
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/pkg/apis"

	"quay-keyless/e2e/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// One cluster serves all, since it takes a while to start. The last part looks at
// all that the others left.
func TestTekton(t *testing.T) {
	w := newWorld(t)
	w.create(t, read(t, "tekton", "stepaction", "quay-login", "0.1", "quay-login.yaml")...)
	w.create(t, read(t, "tekton", "task", "quay-login", "0.1", "quay-login.yaml")...)
	w.create(t, read(t, "tekton", "examples", "setup.yaml")...)
	w.create(t, read(t, "tekton", "examples", "build.yaml")...)
	w.create(t, read(t, "e2e", "tekton", "testdata", "buildah.yaml")...)

	t.Run("IssuerNotPublic", w.testIssuerNotPublic)
	w.create(t, read(t, "kubernetes", "issuer-discovery.yaml")...)
	t.Run("Build", w.testBuild)
	t.Run("Bundle", w.testBundle)
	t.Run("WrongAudience", w.testWrongAudience)
	t.Run("NoFederationEntry", w.testNoFederationEntry)
	t.Run("OneUser", w.testOneUser)
	t.Run("Users", w.testUsers)
	t.Run("Group", w.testGroup)
	t.Run("TwoRobots", w.testTwoRobots)
	t.Run("Inherit", w.testInherit)
	t.Run("Pipeline", w.testPipeline)
	t.Run("Job", w.testJob)
	t.Run("PullSecret", w.testPullSecret)
	t.Run("LongBuild", w.testLongBuild)
	t.Run("NoTokenAnywhere", w.testNoTokenAnywhere)
}

// Until an administrator binds the role, the issuer's keys are not for Quay.
func (w *world) testIssuerNotPublic(t *testing.T) {
	const discovery = "/.well-known/openid-configuration"
	if status := w.Anonymous(t, discovery); status != http.StatusForbidden {
		t.Errorf("discovery: status %d", status)
	}
	run := w.taskRun(t, "e2e", "tekton", "testdata", "users.yaml")
	run.Spec.TaskSpec.Steps[0].Params = append(run.Spec.TaskSpec.Steps[0].Params, param("timeout", "10s"))
	log := w.fails(t, run, "private", 5, "quay-error")
	if !strings.Contains(log, w.URL.String()+discovery) {
		t.Errorf("the log does not say what Quay cannot reach:\n%s", log)
	}
}

// buildRun is the example's run.
func (w *world) buildRun(t *testing.T) *pipelinev1.TaskRun {
	t.Helper()
	return w.taskRun(t, "tekton", "examples", "build-run.yaml")
}

func (w *world) testBuild(t *testing.T) {
	run := w.succeeds(t, w.buildRun(t))
	built, login := results(run.Status.Results), results(run.Status.Steps[0].Results)
	if pulled := w.digest(t, "acme/app:latest", w.asSeed(t)...); built["image-digest"] != pulled {
		t.Errorf("the registry has %s, the results are %q", pulled, built)
	}
	want := map[string]string{
		"registry": w.sandbox.Host, "robot": "acme+ci", "authfile": "/quay-auth/config.json", "expires-at": built["expires-at"],
	}
	if !maps.Equal(login, want) || login["expires-at"] == "" {
		t.Errorf("the login's results are %q", login)
	}
}

// A token for another audience: the log ends with Quay's refusal, and the TaskRun
// shows only the exit code.
func (w *world) testWrongAudience(t *testing.T) {
	run := w.buildRun(t)
	set(run, "audience", "of-someone-else")
	log := w.fails(t, run, "login", 4, "audience-mismatch")
	for _, want := range []string{"--audience of-someone-else", w.URL.String(), "Invalid token: Audience doesn't match"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
}

// A service account that Quay does not know: the log has the entry to add.
func (w *world) testNoFederationEntry(t *testing.T) {
	w.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "stranger"}})
	run := w.buildRun(t)
	run.Spec.ServiceAccountName = "stranger"
	log := w.fails(t, run, "login", 4, "subject-mismatch")
	for _, want := range []string{"Issuer URL  " + w.URL.String() + "\n", "Subject     system:serviceaccount:" + namespace + ":stranger\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
}

// As on OpenShift: one user for the whole Pod, who is nobody's root. With that, our
// step is one that a namespace of restricted Pods takes.
func (w *world) testOneUser(t *testing.T) {
	run := w.taskRun(t, "e2e", "tekton", "testdata", "users.yaml")
	user := int64(1000650000)
	run.Spec.PodTemplate = &pod.PodTemplate{SecurityContext: &corev1.PodSecurityContext{
		RunAsUser: &user, FSGroup: &user, RunAsNonRoot: new(true),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}}
	run.Spec.TaskSpec.Steps = run.Spec.TaskSpec.Steps[:2] // the login, and a step that reads it
	run = w.succeeds(t, run)

	pods := w.Kubernetes.CoreV1().Pods(namespace)
	made, err := pods.Get(t.Context(), run.Status.PodName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.enforceRestricted(t)
	alone := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "alone"}, Spec: corev1.PodSpec{
		SecurityContext: made.Spec.SecurityContext, Volumes: made.Spec.Volumes,
		Containers: made.Spec.Containers[:1],
	}}
	if _, err := pods.Create(t.Context(), alone, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Error(err)
	}
}

func (w *world) testUsers(t *testing.T) {
	w.succeeds(t, w.taskRun(t, "e2e", "tekton", "testdata", "users.yaml"))
}

// With an fsGroup, which the volume hands down to its files, 0640 is enough for a
// step of another user.
func (w *world) testGroup(t *testing.T) {
	run := w.taskRun(t, "e2e", "tekton", "testdata", "users.yaml")
	group := int64(2000)
	run.Spec.PodTemplate = &pod.PodTemplate{SecurityContext: &corev1.PodSecurityContext{FSGroup: &group}}
	steps := run.Spec.TaskSpec.Steps[3:] // a login that others may read, and another user's step
	for i, given := range steps[0].Params {
		if given.Name == "authfile-mode" {
			steps[0].Params[i] = param("authfile-mode", "0640")
		}
	}
	run.Spec.TaskSpec.Steps = steps
	w.succeeds(t, run)
}

func (w *world) testTwoRobots(t *testing.T) {
	run := w.succeeds(t, w.taskRun(t, "tekton", "examples", "two-robots.yaml"))
	w.digest(t, "acme/app:two-robots", w.asSeed(t)...)
	if got := results(run.Status.Steps[0].Results)["robot"]; got != "acme+ci\nacme-base+reader" {
		t.Errorf("the result robot is %q", got)
	}
}

// The login Task, the catalog's way to build, and a volume between them.
func (w *world) testPipeline(t *testing.T) {
	run := only[*pipelinev1.PipelineRun](t, read(t, "tekton", "examples", "pipeline.yaml"))
	run.Spec.Params = w.params()
	run = w.pipeline(t, run)
	if condition := run.Status.GetCondition(apis.ConditionSucceeded); !condition.IsTrue() {
		w.tell(t, run)
		t.Fatalf("PipelineRun: %+v", condition)
	}
	pulled := w.digest(t, "acme/app:pipeline", w.asSeed(t)...)
	if len(run.Status.Results) != 1 || run.Status.Results[0].Value.StringVal != pulled {
		t.Errorf("the registry has %s, the results are %+v", pulled, run.Status.Results)
	}
	if left := entries(t, w.claimed(t, "dockerconfig")); len(left) > 0 {
		t.Errorf("the logout left %q on the volume", left)
	}
}
