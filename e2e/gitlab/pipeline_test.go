// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
)

// pipeline is a configuration as GitLab has expanded it: the jobs and the
// global keywords, by name.
type pipeline map[string]any

// reference is a value with the tag !reference: the path of another one.
type reference []string

// expand does what GitLab's server does with a .gitlab-ci.yml that includes
// our component: the template with its inputs, !reference, then extends
// (docs.gitlab.com, CI/CD YAML syntax). It takes the inputs of the file,
// except those that are given.
func expand(t *testing.T, file string, inputs map[string]string) pipeline {
	t.Helper()
	config := decode(t, file)[0].(map[string]any)
	expanded := pipeline{}
	for _, include := range config["include"].([]any) {
		include := include.(map[string]any)
		if component, _ := include["component"].(string); !strings.HasPrefix(component, "$CI_SERVER_FQDN/OWNER/quay-keyless/quay-login@") {
			t.Fatalf("the component %q is not ours", component)
		}
		given := map[string]string{}
		for name, value := range include["inputs"].(map[string]any) {
			given[name] = value.(string)
		}
		maps.Copy(given, inputs)
		maps.Copy(expanded, component(t, given))
	}
	delete(config, "include")
	maps.Copy(expanded, config)
	for name, value := range expanded {
		expanded[name] = expanded.resolve(t, value)
	}
	for name, value := range expanded {
		expanded[name] = expanded.extend(t, value)
	}
	return expanded
}

// component is the template with its inputs put in, as GitLab's catalog does it.
func component(t *testing.T, inputs map[string]string) map[string]any {
	t.Helper()
	documents := decode(t, lab.Read(t, lab.Path("gitlab", "templates", "quay-login", "template.yml")))
	if len(documents) != 2 {
		t.Fatalf("the template has %d documents, not a spec and a configuration", len(documents))
	}
	spec := documents[0].(map[string]any)["spec"].(map[string]any)["inputs"].(map[string]any)
	values := maps.Clone(inputs)
	for name := range inputs {
		if spec[name] == nil {
			t.Fatalf("the template has no input %q", name)
		}
	}
	for name, input := range spec {
		if _, given := values[name]; given {
			continue
		}
		fallback, optional := input.(map[string]any)["default"].(string)
		if !optional {
			t.Fatalf("the template's input %q was not given", name)
		}
		values[name] = fallback
	}
	return interpolate(t, documents[1], values).(map[string]any)
}

var interpolation = regexp.MustCompile(`\$\[\[ *inputs\.([\w-]+) *\]\]`)

// interpolate puts inputs into every string and key.
func interpolate(t *testing.T, value any, inputs map[string]string) any {
	switch value := value.(type) {
	case string:
		return interpolation.ReplaceAllStringFunc(value, func(found string) string {
			input, declared := inputs[interpolation.FindStringSubmatch(found)[1]]
			if !declared {
				t.Errorf("%s is no input", found)
			}
			return input
		})
	case []any:
		for i := range value {
			value[i] = interpolate(t, value[i], inputs)
		}
	case map[string]any:
		for key := range maps.Clone(value) {
			inside := interpolate(t, value[key], inputs)
			delete(value, key)
			value[interpolate(t, key, inputs).(string)] = inside
		}
	}
	return value
}

// resolve replaces references; a list in a list of commands becomes part of it.
func (p pipeline) resolve(t *testing.T, value any) any {
	switch value := value.(type) {
	case reference:
		var found any = map[string]any(p)
		for _, key := range value {
			inside, _ := found.(map[string]any)
			if found = inside[key]; found == nil {
				t.Fatalf("!reference %q: no %s", []string(value), key)
			}
		}
		return p.resolve(t, found)
	case []any:
		var flat []any
		for _, element := range value {
			if list, ok := p.resolve(t, element).([]any); ok {
				flat = append(flat, list...)
			} else {
				flat = append(flat, element)
			}
		}
		return flat
	case map[string]any:
		for key := range value {
			value[key] = p.resolve(t, value[key])
		}
	}
	return value
}

// extend merges a job over the one that it extends: maps deeply, all else is
// replaced.
func (p pipeline) extend(t *testing.T, value any) any {
	job, ok := value.(map[string]any)
	if !ok || job["extends"] == nil {
		return value
	}
	base, ok := p[job["extends"].(string)].(map[string]any)
	if !ok {
		t.Fatalf("extends: there is no job %q", job["extends"])
	}
	merged := merge(p.extend(t, base).(map[string]any), job)
	delete(merged, "extends")
	return merged
}

func merge(base, over map[string]any) map[string]any {
	merged := maps.Clone(base)
	for key, value := range over {
		inside, ok := value.(map[string]any)
		below, both := merged[key].(map[string]any)
		if ok && both {
			value = merge(below, inside)
		}
		merged[key] = value
	}
	return merged
}

// commands is one of a job's script sections.
func (p pipeline) commands(job, section string) string {
	var lines []string
	list, _ := p[job].(map[string]any)[section].([]any)
	for _, command := range list {
		lines = append(lines, command.(string))
	}
	return strings.Join(lines, "\n") + "\n"
}

// table is a map of strings, such as variables; empty where there is none.
func table(value any) map[string]string {
	found := map[string]string{}
	inside, _ := value.(map[string]any)
	for name, value := range inside {
		found[name] = fmt.Sprint(value)
	}
	return found
}

// decode reads every document of a YAML text, with GitLab's tag.
func decode(t *testing.T, text string) []any {
	t.Helper()
	var documents []any
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var node yaml.Node
		if decoder.Decode(&node) != nil {
			break
		}
		documents = append(documents, plain(t, &node))
	}
	if !slices.ContainsFunc(documents, func(document any) bool { return document != nil }) {
		t.Fatal("no YAML")
	}
	return documents
}

func plain(t *testing.T, node *yaml.Node) any {
	switch {
	case node.Kind == yaml.DocumentNode:
		return plain(t, node.Content[0])
	case node.Tag == "!reference":
		var path reference
		for _, element := range node.Content {
			path = append(path, element.Value)
		}
		return path
	case node.Kind == yaml.SequenceNode:
		var list []any
		for _, element := range node.Content {
			list = append(list, plain(t, element))
		}
		return list
	case node.Kind == yaml.MappingNode:
		inside := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			inside[node.Content[i].Value] = plain(t, node.Content[i+1])
		}
		return inside
	case node.Kind != yaml.ScalarNode:
		t.Fatalf("line %d: YAML that this double does not know", node.Line)
	}
	return node.Value
}
