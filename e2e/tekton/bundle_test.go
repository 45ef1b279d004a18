// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	pipelinev1beta1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"github.com/tektoncd/pipeline/pkg/remote/oci"

	"quay-keyless/internal/bundle"

	"quay-keyless/e2e/lab"
)

// Tekton reads the bundle that a release pushes. This is Tekton's reader that
// decodes what it finds; its resolver in the cluster has the same rules, and links
// three clouds' libraries for their registries' logins.
func TestBundle(t *testing.T) {
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/acme/quay-keyless-tekton:v1")
	if err != nil {
		t.Fatal(err)
	}
	const digest = "quay.example.com/acme/quay-keyless@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	var files [][]byte
	for _, kind := range []string{"stepaction", "task"} {
		files = append(files, []byte(lab.Read(t, lab.Path("tekton", kind, "quay-login", "0.1", "quay-login.yaml"))))
	}
	image, err := bundle.Image(digest, files...)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, image); err != nil {
		t.Fatal(err)
	}
	reader := oci.NewResolver(reference.String(), authn.DefaultKeychain)
	action, _, err := reader.Get(t.Context(), "stepaction", "quay-login")
	if found, ok := action.(*pipelinev1beta1.StepAction); !ok || found.Spec.Image != digest {
		t.Errorf("the StepAction is %+v, %v", action, err)
	}
	task, _, err := reader.Get(t.Context(), "task", "quay-login")
	if found, ok := task.(*pipelinev1.Task); !ok || found.Spec.Steps[0].Image != digest {
		t.Errorf("the Task is %+v, %v", task, err)
	}
}
