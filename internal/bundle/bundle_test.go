// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quay-keyless/internal/bundle"
)

const digest = "quay.example.com/acme/quay-keyless@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func ours(t *testing.T) [][]byte {
	t.Helper()
	var files [][]byte
	for _, kind := range []string{"stepaction", "task"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "tekton", kind, "quay-login", "0.1", "quay-login.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, text)
	}
	return files
}

// A release that is built again has the same bundle. e2e/tekton has Tekton's own
// resolver read it.
func TestSameBundle(t *testing.T) {
	var digests []string
	for range 2 {
		image, err := bundle.Image(digest, ours(t)...)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("two bundles of the same files: %q", digests)
	}
}

func TestErrors(t *testing.T) {
	file := "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: a}\nspec: {image: " + bundle.Placeholder + "}\n"
	for want, files := range map[string][]string{
		"at most 20":           slices.Repeat([]string{file}, 21),
		"more than one object": {file + "---\n" + file},
		`the name ""`:          {strings.ReplaceAll(file, "name: a", "")},
		"no YAML object":       {"{"},
		"does not name":        {strings.ReplaceAll(file, bundle.Placeholder, "elsewhere")},
	} {
		var texts [][]byte
		for _, text := range files {
			texts = append(texts, []byte(text))
		}
		if _, err := bundle.Image(digest, texts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
