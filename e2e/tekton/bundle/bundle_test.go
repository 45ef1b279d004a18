// SPDX-License-Identifier: Apache-2.0

// Package bundle has Tekton's own resolver read the bundle that a release pushes.
package bundle

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	resolver "github.com/tektoncd/pipeline/pkg/resolution/resolver/bundle"

	ours "quay-keyless/internal/bundle"

	"quay-keyless/e2e/lab"
	"quay-keyless/e2e/tekton/manifest"
)

func TestBundle(t *testing.T) {
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	reference, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/acme/quay-keyless-tekton:v1")
	if err != nil {
		t.Fatal(err)
	}
	const digest = "quay.example.com/acme/quay-keyless@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	kinds := []string{"stepaction", "task"}
	var files [][]byte
	for _, kind := range kinds {
		text, err := os.ReadFile(lab.Path("tekton", kind, "quay-login", "0.1", "quay-login.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, text)
	}
	image, err := ours.Image(digest, files...)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(reference, image); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		entry, err := resolver.GetEntry(t.Context(), authn.DefaultKeychain, resolver.RequestOptions{
			Bundle: reference.String(), EntryName: "quay-login", Kind: kind,
		})
		if err != nil {
			t.Fatal(err)
		}
		objects, err := manifest.Parse(entry.Data())
		if err != nil || len(objects) != 1 || objects[0].GetName() != "quay-login" {
			t.Errorf("%s: %d objects, %v", kind, len(objects), err)
		}
		if text := string(entry.Data()); !strings.Contains(text, "image: "+digest+"\n") || strings.Contains(text, ours.Placeholder) {
			t.Errorf("%s: the image is not the digest:\n%s", kind, text)
		}
	}
}
