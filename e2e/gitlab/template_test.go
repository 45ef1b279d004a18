// SPDX-License-Identifier: Apache-2.0

package gitlab

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/lab"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// template is our component's text.
func template(t *testing.T) string {
	t.Helper()
	return lab.Read(t, lab.Path("gitlab", "templates", "quay-login", "template.yml"))
}

// What becomes of the examples is in golden files.
func TestPreview(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"build", "own-image"} {
		p := s.project(t, s.example(t, name+".gitlab-ci.yml"))
		got := strings.ReplaceAll(p.preview(t), s.sandbox.Host, "REGISTRY")
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			lab.Write(t, golden, got, 0o644)
		}
		if got != lab.Read(t, golden) {
			t.Errorf("%s: --preview is\n%s\nbut not %s; -update rewrites it", name, got, golden)
		}
	}
}

// The file included by local: or remote: is the same as the component.
func TestInclude(t *testing.T) {
	s := newServer(t)
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/quay-login.yml" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(template(t)))
	}))
	defer remote.Close()
	preview := func(source string) string {
		return s.project(t, s.include(source, "robot: acme+ci", "credential-helper: true", "check: acme/app:push")+
			"build: {extends: .quay-login, script: [make]}\n").preview(t)
	}
	want := preview(component)
	for _, source := range []string{"local: templates/quay-login/template.yml", "remote: " + remote.URL + "/quay-login.yml"} {
		if got := preview(source); got != want {
			t.Errorf("by %s the pipeline is\n%s\nnot\n%s", source, got, want)
		}
	}
	if !strings.Contains(want, "QUAY_CHECK: acme/app:push") || !strings.Contains(want, "QUAY_CREDENTIAL_HELPER: 'true'") {
		t.Errorf("the inputs are not in\n%s", want)
	}
}

// Inputs that make no sense are refused before any job starts.
func TestInputs(t *testing.T) {
	s := newServer(t)
	tests := map[string]string{
		"registry: https://quay.example.com": "`registry` input",
		"registry: quay.example.com/acme":    "`registry` input",
		"robot: ci":                          "`robot` input",
		"robot: acme+ci+more":                "`robot` input",
		"robot: \"\"":                        "`robot` input",
		"audience: \"\"":                     "`audience` input",
		"audience: a b":                      "`audience` input",
		"image: \"\"":                        "`image` input",
		"isolated: sometimes":                "`isolated` input",
		"credential-helper: 1":               "`credential-helper` input",
		"job-prefix: my jobs":                "`job-prefix` input",
	}
	for input, want := range tests {
		inputs := []string{input}
		if !strings.HasPrefix(input, "robot") {
			inputs = append(inputs, "robot: acme+ci")
		}
		text := "include:\n  - " + component + "\n    inputs:\n      " + strings.Join(inputs, "\n      ") +
			"\nbuild: {extends: .quay-login, script: [make]}\n"
		got := s.project(t, text).ciLocal(t, "--preview", "--no-json-schema-validation")
		if got.Exit == 0 || !strings.Contains(got.Log(), want) {
			t.Errorf("%s: exit code %d, not refused for %s\n%s", input, got.Exit, want, got.Log())
		}
	}
	text := "include:\n  - " + component + "\nbuild: {extends: .quay-login, script: [make]}\n"
	if got := s.project(t, text).ciLocal(t, "--preview"); !strings.Contains(got.Log(), "`robot` input: required value has not been provided") {
		t.Errorf("without a robot: exit code %d\n%s", got.Exit, got.Log())
	}
}

// GitLab's schema takes each document of the template, the examples, and what
// becomes of them: it looks into hidden jobs only there.
func TestSchema(t *testing.T) {
	folder := t.TempDir()
	documents := strings.Split(template(t), "\n---\n")
	if len(documents) != 2 {
		t.Fatalf("the template has %d documents, not a spec and a configuration", len(documents))
	}
	files := []string{lab.Path("gitlab", "examples", "build.gitlab-ci.yml"), lab.Path("gitlab", "examples", "own-image.gitlab-ci.yml"),
		filepath.Join("testdata", "build.golden"), filepath.Join("testdata", "own-image.golden")}
	for i, name := range []string{"spec.yml", "jobs.yml"} {
		files = append(files, filepath.Join(folder, name))
		lab.Write(t, filepath.Join(folder, name), documents[i], 0o644)
	}
	if got := schema(t, files...); got.Exit != 0 {
		t.Errorf("the schema refuses\n%s", got.Log())
	}
	bad := filepath.Join(folder, "bad.yml")
	lab.Write(t, bad, strings.Replace(lab.Read(t, files[2]), "aud:", "audience:", 1), 0o644)
	if schema(t, bad).Exit == 0 {
		t.Error("the schema takes an ID token without aud")
	}
}

// The scripts are for any POSIX shell: an image of the user's own may lack bash.
// gitlab-ci-local cannot show that, it starts every job with set -o pipefail.
func TestShell(t *testing.T) {
	var jobs map[string]map[string]any
	if err := yaml.Unmarshal([]byte(strings.Split(template(t), "\n---\n")[1]), &jobs); err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for name, job := range jobs {
		for _, section := range []string{"before_script", "script", "after_script"} {
			lines, ok := job[section].([]any)
			if !ok {
				continue
			}
			scripts++
			var script strings.Builder
			for _, line := range lines {
				fmt.Fprintln(&script, line)
			}
			got := lab.Command{Env: map[string]string{"PATH": os.Getenv("PATH")}, Stdin: script.String(),
				Args: []string{lab.Tool(t, "shellcheck", "apt-get install shellcheck"), "--shell", "dash", "-"}}.Run(t)
			if got.Exit != 0 {
				t.Errorf("%s of %s\n%s", section, name, got.Log())
			}
		}
	}
	if scripts != 3 {
		t.Errorf("the template has %d scripts, not login, logout and fetch", scripts)
	}
}

func schema(t *testing.T, files ...string) lab.Outcome {
	t.Helper()
	return lab.Command{
		Env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir()},
		Args: append([]string{lab.Tool(t, lab.Path("e2e", "venv", "bin", "check-jsonschema"), "e2e/setup.sh installs it"),
			"--builtin-schema", "vendor.gitlab-ci", "--default-filetype", "yaml", "--data-transform", "gitlab-ci"}, files...),
	}.Run(t)
}

// The guide has a row for each input, with its default.
func TestGuide(t *testing.T) {
	var header struct {
		Spec struct {
			Inputs map[string]struct {
				Default     string
				Description string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(strings.Split(template(t), "\n---\n")[0]), &header); err != nil {
		t.Fatal(err)
	}
	guide := lab.Read(t, lab.Path("docs", "gitlab.md"))
	for name, input := range header.Spec.Inputs {
		row := "| `" + name + "` | "
		switch {
		case name == "image":
			row += "our image |"
		case input.Default == "":
			row += "| "
		default:
			row += "`" + input.Default + "` |"
		}
		if !strings.Contains(guide, row) || input.Description == "" {
			t.Errorf("docs/gitlab.md has no row %q, or the input has no description", row)
		}
	}
	section, _, _ := strings.Cut(guide[strings.Index(guide, "## Inputs"):], "\nEvery other flag")
	if rows := strings.Count(section, "\n| `"); rows != len(header.Spec.Inputs) {
		t.Errorf("docs/gitlab.md has %d rows for %d inputs", rows, len(header.Spec.Inputs))
	}
}
