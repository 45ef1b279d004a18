// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	pipelinev1beta1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"quay-keyless/e2e/tekton/manifest"
)

// image is ours, as every file names it; a release writes a digest in its place.
const image = "quay.io/OWNER/quay-keyless:v1"

// parts are what others refer to: our StepAction and our Task.
type parts struct {
	action pipelinev1beta1.StepActionSpec
	task   pipelinev1.TaskSpec
}

// name is what both are called.
const name = "quay-login"

func ourParts(t *testing.T) parts {
	t.Helper()
	return parts{
		action: one[*pipelinev1beta1.StepAction](t, "stepaction").Spec,
		task:   one[*pipelinev1.Task](t, "task").Spec,
	}
}

func one[Kind manifest.Object](t *testing.T, folder string) Kind {
	t.Helper()
	objects, err := manifest.Read(filepath.Join(repository, "tekton", folder, name, "0.1", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	object, ok := objects[0].(Kind)
	if !ok || len(objects) != 1 || object.GetName() != name {
		t.Fatalf("%s is not one object of this name", folder)
	}
	return object
}

// check finds what Tekton's webhook does not: names that nothing declares, and
// references that do not fit what they refer to.
func (p parts) check(t *testing.T, object manifest.Object) {
	t.Helper()
	switch object := object.(type) {
	case *pipelinev1beta1.StepAction:
		p.checkAction(t, object.Spec)
	case *pipelinev1.Task:
		p.checkTask(t, object.Spec, nil)
		if object.Name == name {
			unused(t, object.Spec.Steps, object.Spec.Volumes, object.Spec.Params)
		}
	case *pipelinev1.TaskRun:
		if object.Spec.TaskSpec != nil {
			p.checkTask(t, *object.Spec.TaskSpec, nil)
			bound(t, object.Spec.TaskSpec.Workspaces, object.Spec.Workspaces)
		}
	case *pipelinev1.PipelineRun:
		if object.Spec.PipelineSpec != nil {
			p.checkPipeline(t, *object.Spec.PipelineSpec)
		}
	}
}

func (p parts) checkAction(t *testing.T, action pipelinev1beta1.StepActionSpec) {
	t.Helper()
	if len(action.Command) == 0 {
		t.Error("without command Tekton asks the registry for the image's entrypoint")
	}
	if action.Image != image {
		t.Errorf("the image is %s", action.Image)
	}
	declared(t, action, "params", names(action.Params))
	declared(t, action, "step.results", names(action.Results))
	unused(t, action, nil, action.Params)
	for _, result := range action.Results {
		if !slices.Contains(used(t, action, "step.results"), result.Name) {
			t.Errorf("nothing writes the result %s", result.Name)
		}
	}
}

// checkTask looks at a Task; further are the params that a Pipeline around it has.
func (p parts) checkTask(t *testing.T, task pipelinev1.TaskSpec, further []string) {
	t.Helper()
	declared(t, task, "params", append(names(task.Params), further...))
	declared(t, task, "workspaces", names(task.Workspaces))
	declared(t, task, "results", names(task.Results))
	volumes := names(task.Volumes)
	for _, step := range task.Steps {
		if strings.Contains(step.Image, "quay-keyless") && step.Image != image {
			t.Errorf("step %s: the image is %s", step.Name, step.Image)
		}
		if step.Ref == nil {
			if len(step.Command) == 0 && step.Script == "" {
				t.Errorf("step %s: without command Tekton asks the registry for the image's entrypoint", step.Name)
			}
			continue
		}
		if step.Ref.Name != name && step.Ref.Resolver == "" {
			t.Errorf("step %s refers to %s, which is not ours", step.Name, step.Ref.Name)
		}
		fits(t, step.Params, p.action.Params)
		declared(t, task, "steps."+step.Name+".results", names(p.action.Results))
		if volume := given(step.Params, p.action.Params, "token-volume"); !slices.Contains(volumes, volume) {
			t.Errorf("step %s: the Task has no volume %s", step.Name, volume)
		}
	}
}

func (p parts) checkPipeline(t *testing.T, pipeline pipelinev1.PipelineSpec) {
	t.Helper()
	params := names(pipeline.Params)
	for _, task := range slices.Concat(pipeline.Tasks, pipeline.Finally) {
		declared(t, task.Params, "params", params)
		var wanted []string
		for _, workspace := range task.Workspaces {
			wanted = append(wanted, workspace.Workspace)
		}
		among(t, "the Pipeline's workspace", wanted, names(pipeline.Workspaces))
		switch {
		case task.TaskSpec != nil:
			p.checkTask(t, task.TaskSpec.TaskSpec, params)
			among(t, "workspace", names(task.TaskSpec.Workspaces), names(task.Workspaces))
		case task.TaskRef.Name == name:
			fits(t, task.Params, p.task.Params)
			among(t, "workspace", names(p.task.Workspaces), names(task.Workspaces))
			declared(t, pipeline, "tasks."+task.Name+".results", names(p.task.Results))
		}
	}
}

// bound sees to it that a run gives every workspace.
func bound(t *testing.T, wanted []pipelinev1.WorkspaceDeclaration, given []pipelinev1.WorkspaceBinding) {
	t.Helper()
	among(t, "workspace", names(wanted), names(given))
}

// fits sees to it that all params exist, and that none is missing.
func fits(t *testing.T, params pipelinev1.Params, specs pipelinev1.ParamSpecs) {
	t.Helper()
	among(t, "param", names(params), names(specs))
	for _, spec := range specs {
		if spec.Default == nil && !slices.Contains(names(params), spec.Name) {
			t.Errorf("the param %s is not given", spec.Name)
		}
	}
}

// given is the value that a param has.
func given(params pipelinev1.Params, specs pipelinev1.ParamSpecs, name string) string {
	for _, param := range params {
		if param.Name == name {
			return param.Value.StringVal
		}
	}
	for _, spec := range specs {
		if spec.Name == name && spec.Default != nil {
			return spec.Default.StringVal
		}
	}
	return ""
}

// unused finds params that do nothing.
func unused(t *testing.T, spec, further any, params pipelinev1.ParamSpecs) {
	t.Helper()
	all := append(used(t, spec, "params"), used(t, further, "params")...)
	for _, param := range params {
		if !slices.Contains(all, param.Name) {
			t.Errorf("the param %s is not used", param.Name)
		}
	}
}

// declared sees to it that every $(KIND.NAME...) is one of the names.
func declared(t *testing.T, spec any, kind string, names []string) {
	t.Helper()
	among(t, kind, used(t, spec, kind), names)
}

func among(t *testing.T, what string, wanted, names []string) {
	t.Helper()
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			t.Errorf("%s %s is not declared, only %q", what, name, names)
		}
	}
}

// used is every NAME in $(KIND.NAME...).
func used(t *testing.T, spec any, kind string) []string {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`\$\(`+regexp.QuoteMeta(kind)+`\.([\w-]+)[.)\[]`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, match[1])
	}
	return names
}

// names are the fields Name of a list's elements: params, results, workspaces,
// volumes, whose types have nothing else in common.
func names[Element any](list []Element) []string {
	var names []string
	for _, element := range list {
		names = append(names, reflect.ValueOf(element).FieldByName("Name").String())
	}
	return names
}
