// SPDX-License-Identifier: Apache-2.0

package organization

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/internal/platform"
	"quay-keyless/internal/process"
	"quay-keyless/internal/quay"
)

// Each problem of a file has its line and column.
func TestProblemsOfAFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"", "f:1:1: the file is empty"},
		{"organization: acme\nrobots:\n  - name: ci\n   grant: x\n", "f:4:4: "},
		{"organization: acme\n---\norganization: other\n", "f:2:1: a second document"},
		{"robots: []\n", "f:1:1: there is no organization"},
		{"organization: acme\n", "f:1:1: there are no robots: if there should be none, write robots: []"},
		{"organization: acme\nrobots:\n", "f:2:8: robots: write a list here"},
		{"organization: Acme!\nrobots: []\n", `f:1:15: "Acme!" cannot be the name`},
		{"organisation: acme\n", `f:1:1: the file has no "organisation"`},
		{"organization: acme\norganization: acme\n", `f:2:1: the file has "organization" twice`},
		{"organization: acme\nrobots: ci\n", "f:2:9: robots: write a list here"},
		{"organization: acme\nrobots:\n- {grant: {app: read}}\n", "f:3:3: the robot has no name"},
		{"organization: acme\nrobots:\n- name: CI\n", "f:3:9: robot \"acme+CI\": "},
		{"organization: acme\nrobots:\n- name: ci\n- name: acme+ci\n", "f:4:3: acme+ci is there twice"},
		{"organization: acme\nrobots:\n- name: ci\n  grant: {app: owner}\n", "f:4:11: grant \"acme/app=owner\": "},
		{"organization: acme\nrobots:\n- name: ci\n  grant: {app: read, acme/app: write}\n", "f:4:22: grant: acme/app is there twice"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example'}\n", "f:5:5: which ID token?"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: i.example, subject: s}\n", `f:5:5: issuer "i.example": `},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: app, ref: main}}\n", `f:5:5: github "app": write OWNER/REPO`},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: acme/app}}\n", "f:5:5: github needs one of ref, tag, environment and pull-request"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: acme/app, branch: main}}\n", `f:5:37: github has no "branch"`},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {service-account: a/b}\n", "f:5:5: service-account needs issuer"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: a/b, ref: main}}\n  - {github: {repository: a/b, ref: main}}\n", "f:6:5: issuer https://token.actions.githubusercontent.com, subject repo:a/b:ref:refs/heads/main is there twice"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example', subject: s, fields: '{\"subject\": 1}'}\n", "f:5:55: fields: "},
		{"organization: acme\nrobots:\n- &a {name: ci}\n- *a\n", "f:4:3: a robot: "},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: a/b, ref: main, pull-request: maybe}}\n", "f:5:57: pull-request: write true or false here"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example', subject: s, audience: []}\n", "f:5:57: audience: name one"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example', subject: s, audience: ''}\n", "f:5:57: audience: name one"},
		{"organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example', subject: s, audience: x, fields: '{\"audiences\": [\"y\"]}'}\n", "f:5:68: audience and fields name"},
		{"organization: acme\nrobots:\n- name: ci\n- name: b\x00b\n", "f:4:10: control characters"},
		{"organization: acme\nrobots:\n- name: c\xffi\n", "f:3:10: "},
	} {
		_, err := Parse("f", []byte(test.text))
		var problems *FileError
		if !errors.As(err, &problems) || !strings.HasPrefix(problems.Problems[0], test.want) {
			t.Errorf("%q: %v, want %s", test.text, err, test.want)
		}
	}
}

// YAML's two spellings of true are the same.
func TestPullRequestIsTrue(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"true", "True"} {
		file, err := Parse("f", []byte("organization: acme\nrobots:\n- name: ci\n  federation:\n  - {github: {repository: a/b, pull-request: "+text+"}}\n"))
		if err != nil || file.Robots[0].Entries[0].Subject != "repo:a/b:pull_request" {
			t.Errorf("%s: %+v, %v", text, file, err)
		}
	}
}

// What a Quay says is neither a line of the file nor a command for a terminal.
func TestYAMLOfHostileQuay(t *testing.T) {
	t.Parallel()
	evil := "x\x1b[31m\u009b\u202e\U000e0001\nrobots: []"
	s := &Survey{Host: "quay.example.com", Name: "acme", Defaults: []quay.DefaultGrant{{Delegate: evil, Role: quay.Role(evil)}}}
	s.Robots = []Robot{{Robot: quay.Robot{Namespace: "acme", Name: "ci"}, Description: evil, Grants: []Grant{{"app", quay.Role(evil), evil}}}}
	text, err := auditYAML(&process.Run{Secrets: new(platform.Secrets)}, s)
	if err != nil {
		t.Fatal(err)
	}
	if seen := platform.Invisible(strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "")); seen != "" {
		t.Errorf("%s in\n%s", seen, text)
	}
	file, err := Parse("f", text)
	if err != nil || len(file.Robots) != 1 || file.Robots[0].Description != evil {
		t.Errorf("%+v, %v of\n%s", file, err, text)
	}
}

// randomText is any text that Quay can store.
func randomText(r *rand.Rand) string {
	letters := []rune("aZ09 :/@+-_.*#[]{}&!|>'\"%`,?\\\n\t\u200b\u2028é😀~=null true 1e9 0x1 ::warning::##[group]")
	var text strings.Builder
	for range r.IntN(12) {
		text.WriteRune(letters[r.IntN(len(letters))])
	}
	return text.String()
}

// randomJSON is any value of a field that this program does not know.
func randomJSON(r *rand.Rand, depth int) json.RawMessage {
	encoded := func(value any) json.RawMessage {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return text
	}
	switch n := r.IntN(8); {
	case n == 0 && depth > 0:
		list := []json.RawMessage{}
		for range r.IntN(3) {
			list = append(list, randomJSON(r, depth-1))
		}
		return encoded(list)
	case n == 1 && depth > 0:
		fields := map[string]json.RawMessage{}
		for range r.IntN(3) {
			fields[randomText(r)] = randomJSON(r, depth-1)
		}
		return encoded(fields)
	case n < 4:
		numbers := []string{"0", "-1", "1.50", "1e400", "12345678901234567890123", "-0.0", "1E+2"}
		return json.RawMessage(numbers[r.IntN(len(numbers))])
	case n == 4:
		return json.RawMessage([]string{"true", "false", "null"}[r.IntN(3)])
	}
	return encoded(randomText(r))
}

// randomEntry is a federation entry in one of the forms that files have, with unknown
// fields.
func randomEntry(r *rand.Rand, i int) quay.Entry {
	names := []string{"main", "v1.0", "a:b", "release 1", "refs/heads/x", "refs/tags/v1", "*", "pull_request", "true", "12"}
	name := names[r.IntN(len(names))]
	subjects := []string{
		fmt.Sprintf("repo:acme/app%d:ref:refs/heads/%s", i, name), fmt.Sprintf("repo:acme@1/app@%d:environment:%s", i, name),
		fmt.Sprintf("repo:acme/app%d:pull_request", i), fmt.Sprintf("project_path:acme/app%d:ref_type:branch:ref:%s", i, name),
		fmt.Sprintf("project_path:acme/app%d:ref_type:tag:ref:%s", i, name), fmt.Sprintf("system:serviceaccount:build%d:%s", i, name),
		fmt.Sprintf("%d%s", i, randomText(r)),
	}
	issuers := []string{"https://token.actions.githubusercontent.com", "https://ghes.example/_services/token", "https://gitlab.com", "https://gitlab.example", "https://oidc.example.com/", "http://old.example"}
	entry := quay.NewEntry(issuers[r.IntN(len(issuers))], subjects[r.IntN(len(subjects))])
	if r.IntN(3) == 0 {
		entry = entry.WithAudiences([]string{"a" + randomText(r), "quay"}[:1+r.IntN(2)])
	}
	for range r.IntN(3) {
		entry = entry.WithField("x"+randomText(r), randomJSON(r, 2))
	}
	return entry
}

func randomSurvey(r *rand.Rand) *Survey {
	s := &Survey{Host: "quay.example.com", Name: "acme"}
	for i := range r.IntN(6) {
		robot := Robot{Robot: quay.Robot{Namespace: "acme", Name: fmt.Sprintf("robot%d", i)}, Description: randomText(r)}
		for j := range r.IntN(3) {
			robot.Grants = append(robot.Grants, Grant{Repository: fmt.Sprintf("team/app%d", j), Role: []quay.Role{"read", "write", "admin"}[r.IntN(3)]})
		}
		for j := range r.IntN(4) {
			robot.Entries = append(robot.Entries, randomEntry(r, j))
		}
		s.Robots = append(s.Robots, robot)
	}
	return s
}

// Whatever an organization has, its YAML is read as the same organization. Unknown fields
// travel unchanged.
func TestYAMLOfAnyOrganization(t *testing.T) {
	t.Parallel()
	run := &process.Run{Secrets: new(platform.Secrets)}
	for seed := range uint64(500) {
		s := randomSurvey(rand.New(rand.NewPCG(seed, 1)))
		text, err := auditYAML(run, s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse("f", text)
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, text)
		}
		want := s.file()
		for i := range want.Robots {
			if differences := quay.Compare(want.Robots[i].Entries, got.Robots[i].Entries); len(differences) > 0 {
				t.Fatalf("seed %d: %v in\n%s", seed, differences, text)
			}
			want.Robots[i].Entries, got.Robots[i].Entries = nil, nil
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d: %+v became %+v in\n%s", seed, want, got, text)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("seed %d: the line %q is a workflow command", seed, line)
			}
		}
	}
}

// FuzzParse: no file makes the parser panic, each problem has a line and a column, and what
// it accepts comes back from its own YAML.
func FuzzParse(f *testing.F) {
	golden, err := os.ReadFile("../../testdata/audit.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte("organization: acme\nrobots:\n- name: ci\n  federation:\n  - {issuer: 'https://i.example', subject: s, fields: '{\"a\": [1, {\"b\": null}]}'}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("f", text)
		var problems *FileError
		if err != nil {
			if !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("%v", err)
			}
			for _, problem := range problems.Problems {
				var line, column int
				if n, _ := fmt.Sscanf(problem, "f:%d:%d: ", &line, &column); n != 2 || line < 1 || column < 1 {
					t.Errorf("no line and column: %q", problem)
				}
			}
			return
		}
		again, err := yaml.Marshal(file.yaml())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse("f", again); err != nil {
			t.Errorf("%v in\n%s", err, again)
		}
	})
}

// The schema has the words of the parser.
func TestSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/organization.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]json.RawMessage
	}
	var schema struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]any{"": fileYAML{}, "robot": robotYAML{}, "entry": entryYAML{}, "github": githubYAML{}, "gitlab": gitlabYAML{}} {
		properties := schema.Defs[name].Properties
		if name == "" {
			properties = schema.Properties
		}
		var keys []string
		for _, field := range reflect.VisibleFields(reflect.TypeOf(form)) {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, keys) {
			t.Errorf("%q has %v in the schema and %v in the parser", name, got, keys)
		}
	}
}
