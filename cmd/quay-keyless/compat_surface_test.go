// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/cli"
	"quay-keyless/internal/idtoken"
	"quay-keyless/internal/process"
)

// everyCommand walks the command line, without what cobra adds by itself.
func everyCommand(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	for _, command := range root.Commands() {
		list = append(list, everyCommand(command)...)
	}
	return list
}

// noEnv is an environment without variables, and notes which were asked for.
func noEnv(asked map[string]bool) process.Env {
	return process.Env{Getenv: func(name string) string { asked[name] = true; return "" }}
}

// kinds are how the page calls the types of flags.
var kinds = map[string]string{"stringArray": "list", "string": "text", "bool": "true or false", "duration": "duration", "int": "number", "uint16": "port"}

// commands are the command line: commands with their arguments, and flags with
// their types and defaults. That each flag has its variable is seen where a command asks for it.
func (s surface) commands(t *testing.T) {
	asked := map[string]bool{}
	root := cli.Command(noEnv(asked))
	root.InitDefaultCompletionCmd() // which cobra adds when the program runs
	root.InitDefaultHelpCmd()
	for _, command := range everyCommand(root) {
		_, arguments, _ := strings.Cut(command.Use, " ")
		arguments, _, _ = strings.Cut(arguments, "--") // the flags have a table of their own
		s.add("command", command.CommandPath(), strings.TrimRight(arguments, " ["))
		clear(asked)
		if err := root.PersistentPreRunE(command, nil); err != nil {
			t.Fatal(err)
		}
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name == "help" {
				return
			}
			kind, ok := kinds[flag.Value.Type()]
			if !ok {
				t.Errorf("flags of the type %q have no name in the page", flag.Value.Type())
			}
			s.add("flag", strings.TrimPrefix(command.CommandPath(), "quay-keyless "), "--"+flag.Name, kind, flag.DefValue)
			if want := "QUAY_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")); !asked[want] {
				t.Errorf("%s does not look at %s: each flag has its variable", command.CommandPath(), want)
			}
		})
	}
}

// values are those that a flag's value can be, where it is a name.
func (s surface) values() {
	for _, source := range idtoken.Sources(idtoken.Env{}, idtoken.Settings{}) {
		s.add("value", "`--id-token-source`", source.Name)
	}
	s.add("value", "`--id-token-source`", "auto")
}

// action is action.yml; what it writes is seen in [surface.files].
func (s surface) action(t *testing.T) {
	action := readAction(t)
	for input := range action.Inputs {
		s.add("action", "input", input)
	}
	for output := range action.Outputs {
		s.add("action", "output", output)
	}
	s.add("action", "runs", action.Runs.Using)
}

// gitlab is the component.
func (s surface) gitlab(t *testing.T) {
	spec, jobs, _ := strings.Cut(read(t, "gitlab/templates/quay-login/template.yml"), "\n---\n")
	for name, input := range at(t, decode(t, spec), "spec", "inputs").(map[string]any) {
		s.add("gitlab", "input", name, valueOf(input))
	}
	for name, job := range decode(t, jobs) {
		name, part, _ := strings.Cut(strings.ReplaceAll(name, "$[[ inputs.job-prefix ]]", "PREFIX"), "-login-") // what .quay-login extends
		if name += "-login"; part == "" {
			name = strings.TrimSuffix(name, "-login")
			s.add("gitlab", "job", name, "")
		}
		for _, field := range []string{"variables", "id_tokens"} {
			names, _ := job.(map[string]any)[field].(map[string]any)
			for variable := range names {
				s.add("gitlab", strings.TrimSuffix(field, "s")+" of "+name, variable, "")
			}
		}
	}
}

// valueOf is what may be left out: a parameter's type, where it has one, and default.
func valueOf(parameter any) string {
	fields := parameter.(map[string]any)
	value, optional := fields["default"]
	if !optional {
		return "required"
	}
	return fmt.Sprint(value)
}

// tekton is the StepAction and the Task.
func (s surface) tekton(t *testing.T) {
	for _, kind := range []string{"stepaction", "task"} {
		object := decode(t, read(t, "tekton/"+kind+"/quay-login/0.1/quay-login.yaml"))
		of := fmt.Sprint(object["kind"])
		s.add("tekton", of, "apiVersion", fmt.Sprint(object["apiVersion"]), "")
		s.add("tekton", of, "name", fmt.Sprint(at(t, object, "metadata", "name")), "")
		spec := object["spec"].(map[string]any)
		for _, field := range []string{"params", "results", "workspaces", "volumes"} {
			list, _ := spec[field].([]any)
			for _, item := range list {
				value := ""
				if field == "params" {
					value = valueOf(item)
				}
				s.add("tekton", of, strings.TrimSuffix(field, "s"), fmt.Sprint(at(t, item, "name")), value)
			}
		}
	}
	var mounts struct {
		Spec struct {
			VolumeMounts []struct {
				Name string
				Path string `yaml:"mountPath"`
			} `yaml:"volumeMounts"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "tekton/stepaction/quay-login/0.1/quay-login.yaml")), &mounts); err != nil {
		t.Fatal(err)
	}
	for _, mount := range mounts.Spec.VolumeMounts {
		s.add("tekton", "StepAction", "mount", mount.Name, mount.Path)
	}
}

// shapeOf adds the fields of a JSON document, by their paths: a type, or the value
// where values has it.
func (s surface) shapeOf(kind, of string, value any, path string, names, values map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			name := cmp.Or(names[key], jobName.ReplaceAllString(key, "JOB"))
			s.shapeOf(kind, of, value[key], path+"."+name, names, values)
		}
	case []any: // never null: a script need not look
		s.leaf(kind, of, path, "list", "", nil)
		for _, item := range value {
			s.shapeOf(kind, of, item, path+"[]", names, values)
		}
	case string:
		s.leaf(kind, of, path, "text", value, values)
	case bool:
		s.leaf(kind, of, path, "true or false", fmt.Sprint(value), values)
	case float64:
		s.leaf(kind, of, path, "number", fmt.Sprint(value), values)
	}
}

// jobName is a holder's, as the state has it.
var jobName = regexp.MustCompile(`^[0-9a-f]{32}$`)

// leaf adds one field.
func (s surface) leaf(kind, of, path, kindOfValue, value string, values map[string]string) {
	if _, ok := values[path]; ok {
		kindOfValue = "= " + value
	}
	s.add(kind, of, cmp.Or(strings.TrimPrefix(path, "."), "."), kindOfValue)
}
