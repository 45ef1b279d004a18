// SPDX-License-Identifier: Apache-2.0

package tekton

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
)

// The fields of Tekton's and Kubernetes' types that our files use; any other
// field fails the test.
type (
	manifest[Spec any] struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct {
			Name                string
			Labels, Annotations map[string]string
		}
		Spec Spec
	}
	stepAction struct {
		Description     string
		Params          []param
		Results         []struct{ Name, Description string }
		Image           string
		Command, Args   []string
		Env             []variable
		SecurityContext struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			Capabilities             struct{ Drop []string }
			ReadOnlyRootFilesystem   bool `yaml:"readOnlyRootFilesystem"`
		} `yaml:"securityContext"`
		VolumeMounts []mount `yaml:"volumeMounts"`
	}
	task struct {
		Params       []param
		Workspaces   []struct{ Name, Description string }
		StepTemplate struct {
			Env          []variable
			VolumeMounts []mount `yaml:"volumeMounts"`
		} `yaml:"stepTemplate"`
		Steps   []step
		Volumes []volume
	}
	step struct {
		Name       string
		Ref        struct{ Name string }
		Params     []variable
		Image      string
		WorkingDir string `yaml:"workingDir"`
		Env        []variable
		Script     string
	}
	param struct {
		Name, Type, Description string
		Default                 *string
	}
	variable struct{ Name, Value string }
	mount    struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	}
	volume struct {
		Name      string
		EmptyDir  *struct{ Medium string } `yaml:"emptyDir"`
		Projected *struct {
			Sources []struct {
				ServiceAccountToken struct {
					Audience, Path    string
					ExpirationSeconds int `yaml:"expirationSeconds"`
				} `yaml:"serviceAccountToken"`
			}
		}
	}
)

// read decodes one of the repository's files.
func read[Spec any](t *testing.T, apiVersion, kind string, path ...string) Spec {
	t.Helper()
	file, err := os.Open(lab.Path(path...))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var m manifest[Spec]
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.APIVersion != apiVersion || m.Kind != kind {
		t.Fatalf("%q is a %s of %s", path, m.Kind, m.APIVersion)
	}
	return m.Spec
}

// scope is what $(NAME) stands for.
type scope map[string]string

// params adds the values of parameters: given, or the default of each. What is
// given for none of them, and what is missing, fails the test.
func (s scope) params(t *testing.T, declared []param, given []variable) {
	t.Helper()
	for _, p := range declared {
		i := slices.IndexFunc(given, func(v variable) bool { return v.Name == p.Name })
		switch {
		case i >= 0:
			s["params."+p.Name] = given[i].Value
		case p.Default != nil:
			s["params."+p.Name] = *p.Default
		default:
			t.Fatalf("the param %s was not given", p.Name)
		}
	}
	for _, v := range given {
		if _, ok := s["params."+v.Name]; !ok {
			t.Fatalf("there is no param %s", v.Name)
		}
	}
}

var use = regexp.MustCompile(`\$\(([\w.-]+)\)`)

// in replaces every $(NAME) of the text; Tekton refuses one that is not
// declared.
func (s scope) in(t *testing.T, text string) string {
	t.Helper()
	return use.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := s[strings.Trim(found, "$()")]
		if !ok {
			t.Errorf("%s is not declared", found)
		}
		return value
	})
}

// env gives variables with everything replaced.
func (s scope) env(t *testing.T, lists ...[]variable) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, v := range slices.Concat(lists...) {
		env[v.Name] = s.in(t, v.Value)
	}
	return env
}
