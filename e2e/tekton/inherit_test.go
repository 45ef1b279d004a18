// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/manifest"
)

// withSecret is a service account that has a login for a private base image, by which
// Tekton creates a separate file for each step.
const withSecret = "quay-builder-with-secret"

// The base image is private, and its login is the service account's. Our login in the
// same Task, to another registry, does not hide it; nobody but the Pod's steps gets it
// unless the user asks.
func (w *world) testInherit(t *testing.T) {
	base := strings.Replace(w.sandbox.Host, "127.0.0.1", "localhost", 1) // another name of the sandbox
	text := strings.ReplaceAll(lab.Read(t, lab.Path("e2e", "tekton", "testdata", "inherit.yaml")), "BASE_REGISTRY", base)
	objects, err := manifest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	login := base64.StdEncoding.EncodeToString([]byte("acme-base+puller:" + pullerPassword))
	w.create(t, objects[0], objects[1], &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "base-login"}, Type: corev1.SecretTypeDockerConfigJson,
		StringData: map[string]string{corev1.DockerConfigJsonKey: `{"auths":{"` + base + `":{"auth":"` + login + `"}}}`},
	})
	t.Run("Build", func(t *testing.T) {
		run := w.buildRun(t)
		run.Spec.ServiceAccountName = withSecret
		run.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{
			Name: "source", ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "private-base"}},
		}}
		set(run, "tag", "private-base")
		w.succeeds(t, run)
		w.digest(t, "acme/app:private-base", w.asSeed(t)...)
	})
	t.Run("Modes", func(t *testing.T) {
		run := only[*pipelinev1.TaskRun](t, objects)
		run.Spec.Params = w.params()
		log := w.log(t, w.succeeds(t, run), "look")
		for _, want := range []string{
			"everybodys/config.json has: " + w.sandbox.Host + "\n",
			"inherited/config.json has: " + base + " " + w.sandbox.Host + "\n",
			"none/config.json has: " + w.sandbox.Host + "\n",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("no %q in\n%s", want, log)
			}
		}
	})
	t.Run("Task", func(t *testing.T) {
		for inherit, want := range map[string]string{"false": "", "true": "acme-base+puller"} {
			if user := w.inWorkspace(t, inherit, base); user != want {
				t.Errorf("inherit %s: the workspace has a login of %q for the base image, not %q", inherit, user, want)
			}
		}
	})
}

// inWorkspace runs the login Task, and gives the user for a registry in its workspace.
func (w *world) inWorkspace(t *testing.T, inherit, registry string) string {
	t.Helper()
	claim := "inherit-" + inherit
	folder := w.claim(t, claim)
	w.succeeds(t, &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: claim + "-"},
		Spec: pipelinev1.TaskRunSpec{
			ServiceAccountName: withSecret, TaskRef: &pipelinev1.TaskRef{Name: "quay-login"},
			Params: append(w.params(), param("robot", "acme+ci"), param("inherit", inherit)),
			Workspaces: []pipelinev1.WorkspaceBinding{{
				Name: "dockerconfig", PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
			}},
		},
	})
	text := lab.Read(t, folder+"/config.json")
	if user, _ := lab.Login(t, text, w.sandbox.Host); user != "acme+ci" {
		t.Errorf("inherit %s: the workspace has our login as %q", inherit, user)
	}
	user, _ := lab.Login(t, text, registry)
	return user
}

// claim is the folder of a volume that every user may write.
func (w *world) claim(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(w.kubelet.Folder, "claims", namespace, name)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.Chmod(folder, 0o777)); err != nil {
		t.Fatal(err)
	}
	return folder
}
