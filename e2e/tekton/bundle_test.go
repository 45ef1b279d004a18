// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	pipelinev1beta1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"github.com/tektoncd/pipeline/pkg/remote/oci"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/manifest"
)

// released is our image in the bundle, by its digest, as images.sh names it.
const released = "quay.example.com/acme/quay-keyless@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// bundle pushes the Tekton bundle by the release's own command, and gives the
// StepAction and the Task that Tekton finds in it. This is Tekton's reader that
// decodes what it finds; its resolver in the cluster has the same rules, and links
// three clouds' libraries for their registries' logins.
func bundle(t *testing.T) []manifest.Object {
	t.Helper()
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	reference := strings.TrimPrefix(server.URL, "http://") + "/acme/quay-keyless-tekton:v1"
	env := lab.GoEnv(t)
	env["HOME"] = t.TempDir()
	pushed := lab.Command{Dir: lab.Path(), Env: env, Args: []string{"go", "run", "./internal/release", "bundle", released, reference}}.Must(t)

	reader := oci.NewResolver(strings.TrimSpace(pushed.Stdout), authn.DefaultKeychain)
	action, _, err := reader.Get(t.Context(), "stepaction", "quay-login")
	if err != nil {
		t.Fatal(err)
	}
	task, _, err := reader.Get(t.Context(), "task", "quay-login")
	if err != nil {
		t.Fatal(err)
	}
	objects := []manifest.Object{action.(*pipelinev1beta1.StepAction), task.(*pipelinev1.Task)}
	if image := objects[0].(*pipelinev1beta1.StepAction).Spec.Image; image != released {
		t.Errorf("the StepAction's image is %s", image)
	}
	if image := objects[1].(*pipelinev1.Task).Spec.Steps[0].Image; image != released {
		t.Errorf("the Task's image is %s", image)
	}
	return objects
}
