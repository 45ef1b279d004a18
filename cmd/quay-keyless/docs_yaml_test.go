// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// yaml holds what a block of YAML says of our parts to those. Whole objects of
// Kubernetes are validated by e2e/tekton/manifest.
func (r *repository) yaml(t *testing.T, b fenced) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(b.text))
	for {
		var value any
		if err := decoder.Decode(&value); err != nil {
			if err.Error() != "EOF" {
				t.Errorf("%s: %v", b, err)
			}
			return
		}
		r.parts(t, b, value)
	}
}

// parts walks through a document and looks at each use of ours.
func (r *repository) parts(t *testing.T, b fenced, value any) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			r.parts(t, b, item)
		}
	case map[string]any:
		r.part(t, b, value)
		for _, item := range value {
			r.parts(t, b, item)
		}
	}
}

// part looks at one use: a step of GitHub's, an inclusion of GitLab's, a reference
// of Tekton's.
func (r *repository) part(t *testing.T, b fenced, use map[string]any) {
	t.Helper()
	uses, component := fmt.Sprint(use["uses"]), fmt.Sprint(use["component"])
	switch {
	case strings.HasPrefix(uses, "OWNER/quay-keyless@"):
		known := slices.Collect(maps.Keys(readAction(t).Inputs))
		r.within(t, b, "the action's inputs", use["with"], known)
	case strings.Contains(component, "/quay-login@"):
		spec, _, _ := strings.Cut(read(t, "gitlab/templates/quay-login/template.yml"), "\n---\n")
		known := at(t, decode(t, spec), "spec", "inputs").(map[string]any)
		r.within(t, b, "the component's inputs", use["inputs"], slices.Collect(maps.Keys(known)))
	case use["name"] == "pathInRepo":
		r.exists(t, b.page, fmt.Sprint(use["value"]))
	}
	for _, field := range []string{"ref", "taskRef"} {
		if reference, ok := use[field].(map[string]any); ok {
			r.tektonParams(t, b, field, reference, use["params"])
		}
	}
}

// within complains of names that are not known.
func (r *repository) within(t *testing.T, b fenced, what string, given any, known []string) {
	t.Helper()
	names, _ := given.(map[string]any)
	for name := range names {
		if !slices.Contains(known, name) {
			t.Errorf("%s: %q is none of %s", b, name, what)
		}
	}
	r.lines++
}

// tektonParams looks at a step or a task that takes our StepAction or Task.
func (r *repository) tektonParams(t *testing.T, b fenced, field string, reference map[string]any, params any) {
	t.Helper()
	text, _ := yaml.Marshal(reference)
	if !strings.Contains(string(text), "quay-login") {
		return
	}
	kind := map[string]string{"ref": "stepaction", "taskRef": "task"}[field]
	given := map[string]any{}
	list, _ := params.([]any)
	for _, param := range list {
		given[fmt.Sprint(at(t, param, "name"))] = true
	}
	var known []string
	for _, param := range at(t, decode(t, read(t, "tekton/"+kind+"/quay-login/0.1/quay-login.yaml")), "spec", "params").([]any) {
		known = append(known, fmt.Sprint(at(t, param, "name")))
	}
	r.within(t, b, "the "+kind+"'s params", given, known)
}
