// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tektoncd/pipeline/pkg/apis/config"
	"knative.dev/pkg/apis"

	"quay-keyless/e2e/tekton/manifest"
)

// repository is the checkout's root, seen from this folder.
const repository = "../../.."

// admitted is what Tekton's webhook asks of an object: it sets defaults, then
// validates. A cluster refuses what fails.
type admitted interface {
	SetDefaults(context.Context)
	Validate(context.Context) *apis.FieldError
}

// Every file and every object in a README is what a cluster would take, and
// hangs together in the ways that no webhook looks at.
func TestManifests(t *testing.T) {
	ours := ourParts(t)
	for name, text := range manifests(t) {
		t.Run(name, func(t *testing.T) {
			objects, err := manifest.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range objects {
				if object.GetName() == "" && object.GetGenerateName() != "" {
					object.SetName(object.GetGenerateName() + "x7k2p") // the API server does that before the webhook
				}
				if object, ok := object.(admitted); ok {
					ctx := cluster(t)
					object.SetDefaults(ctx)
					if err := object.Validate(ctx); err != nil {
						t.Errorf("Tekton refuses it: %v", err)
					}
				}
				ours.check(t, object)
			}
		})
	}
}

// cluster is one as Tekton's release configures it, with StepActions, which are
// on by themselves since 1.0.
func cluster(t *testing.T) context.Context {
	t.Helper()
	flags, err := config.NewFeatureFlagsFromMap(map[string]string{"enable-step-actions": "true"})
	if err != nil {
		t.Fatal(err)
	}
	configured := config.FromContextOrDefaults(t.Context())
	configured.FeatureFlags = flags
	return config.ToContext(t.Context(), configured)
}

// block is a piece of YAML in a Markdown file.
var block = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// manifests are our YAML files, and the whole objects that our Markdown files
// show, by names that say where they are.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range []string{"tekton", "kubernetes", "docs"} {
		err := filepath.WalkDir(filepath.Join(repository, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(repository, path)
			switch filepath.Ext(path) {
			case ".yaml":
				if filepath.Base(filepath.Dir(path)) == "node" && !slices.Contains([]string{"pod.yaml", "rbac.yaml"}, entry.Name()) {
					return nil // for a kubelet or Ignition: e2e/tekton/node looks at those
				}
				if folder != "docs" { // those are of other platforms
					found[name] = string(text)
				}
			case ".md":
				for _, match := range block.FindAllStringSubmatch(string(text), -1) {
					if strings.Contains("\n"+match[1], "\napiVersion: ") {
						found[name] += "---\n" + match[1]
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d files found", len(found))
	}
	return found
}

// A mistake that the cluster would find later, or never, is found here.
func TestMistakes(t *testing.T) {
	for name, text := range map[string]string{
		"a field that does not exist": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nsecretss: []\n",
		"a key twice":                 "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nmetadata: {name: b}\n",
		"an unknown kind":             "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n",
		"no kind":                     "metadata: {name: a}\n",
	} {
		if _, err := manifest.Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
