// SPDX-License-Identifier: Apache-2.0

package github

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"quay-keyless/e2e/act"
	"quay-keyless/e2e/lab"
)

// workflows are all that GitHub would run of ours or of our readers': the
// repository's own workflows and the examples, by their path in the repository.
func workflows(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, folder := range []string{".github/workflows", examples} {
		found, err := filepath.Glob(lab.Path(folder, "*.yml"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no workflow in %s: %v", folder, err)
		}
		for _, path := range found {
			paths = append(paths, folder+"/"+filepath.Base(path))
		}
	}
	return paths
}

// lint runs a checker on files of a folder, without a network. It must have no
// objection.
func lint(t *testing.T, folder string, command []string, paths []string) {
	t.Helper()
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "HTTPS_PROXY": "http://127.0.0.1:1"}
	outcome := lab.Command{Dir: folder, Env: env, Args: append(command, paths...)}.Run(t)
	if outcome.Exit != 0 {
		t.Errorf("%s: exit code %d\n%s", filepath.Base(command[0]), outcome.Exit, outcome.Log())
	}
}

// What GitHub, or a reader's own checks, would object to in action.yml, the
// workflows and the examples.
func TestLint(t *testing.T) {
	paths := workflows(t)
	schema := func(name string) []string {
		return []string{act.Installed(t, "venv/bin/check-jsonschema"), "--builtin-schema", "vendor." + name}
	}
	lint(t, lab.Path(), schema("github-workflows"), paths)
	lint(t, lab.Path(), schema("github-actions"), []string{"action.yml"})
	lint(t, lab.Path(), schema("dependabot"), []string{".github/dependabot.yml"})
	forms, err := filepath.Glob(lab.Path(".github/ISSUE_TEMPLATE/[^c]*.yml"))
	if err != nil || len(forms) == 0 {
		t.Fatalf("no issue forms: %v", err)
	}
	lint(t, lab.Path(), schema("github-issue-forms"), forms)
	lint(t, lab.Path(), schema("github-issue-config"), []string{".github/ISSUE_TEMPLATE/config.yml"})
	zizmor := []string{act.Installed(t, "venv/bin/zizmor"), "--offline", "--no-progress", "--strict-collection", "--config", ".github/zizmor.yml"}
	lint(t, lab.Path(), zizmor, append(paths, "action.yml", ".github/dependabot.yml"))
}

// actionlint knows the inputs and outputs of an action in the same repository,
// so the examples are checked as if they were in ours.
func TestActionlint(t *testing.T) {
	lab.Tool(t, "shellcheck", "apt-get install shellcheck") // which actionlint otherwise does without
	files := map[string]string{"action.yml": lab.Read(t, lab.Path("action.yml")), mainEntry: "", postEntry: ""}
	ours := regexp.MustCompile(`OWNER/quay-keyless@\S+`)
	for _, path := range workflows(t) {
		name := ".github/workflows/" + strings.TrimPrefix(strings.TrimPrefix(path, examples+"/"), ".github/workflows/")
		files[name] = ours.ReplaceAllLiteralString(lab.Read(t, lab.Path(path)), "./")
	}
	lint(t, act.Repository(t, files), []string{act.Installed(t, "bin/actionlint"), "-shellcheck", "shellcheck", "-pyflakes="}, nil)
}

// pinned finds an action of somebody else's, its commit and its tag.
var (
	foreign = regexp.MustCompile(`(?m)^\s*(?:- )?uses: +([^\s./][^\s@]*@.*)$`)
	pinned  = regexp.MustCompile(`^([\w.-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40}) # (v\S+)$`)
)

// An action of somebody else's is used by a commit that was read from its tag.
// testdata/pins.txt has those that were, and says how.
func TestPins(t *testing.T) {
	var pins []string
	for line := range strings.Lines(lab.Read(t, filepath.Join("testdata", "pins.txt"))) {
		if !strings.HasPrefix(line, "#") {
			pins = append(pins, strings.TrimSpace(line))
		}
	}
	used := map[string]bool{}
	for _, path := range append(workflows(t), "README.md", "docs/github.md") {
		for _, found := range foreign.FindAllStringSubmatch(lab.Read(t, lab.Path(path)), -1) {
			if strings.HasPrefix(found[1], "OWNER/quay-keyless@") {
				continue
			}
			pin := pinned.ReplaceAllString(found[1], "$1 $3 $2")
			used[pin] = true
			if !slices.Contains(pins, pin) {
				t.Errorf("%s uses %s, which is not in testdata/pins.txt: add REPOSITORY TAG COMMIT, as read from the repository", path, found[1])
			}
		}
	}
	if want := slices.Sorted(maps.Keys(used)); !slices.Equal(slices.Sorted(slices.Values(pins)), want) {
		t.Errorf("testdata/pins.txt has\n%q, used are\n%q", pins, want)
	}
}

// decode reads a YAML file of the repository.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(lab.Read(t, lab.Path(path))), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// GitHub gives an ID token only to a job with the permission, while act gives
// one to all. Naming it takes the others away, contents: read too.
func TestPermissions(t *testing.T) {
	want := map[string]string{"contents": "read", "id-token": "write"}
	for _, file := range exampleFiles(t) {
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct{ Permissions map[string]string }
		}
		decode(t, filepath.Join(examples, file), &workflow)
		if workflow.Permissions == nil || len(workflow.Permissions) != 0 {
			t.Errorf("%s: the workflow has the permissions %v, where {} leaves them to the jobs", file, workflow.Permissions)
		}
		for name, job := range workflow.Jobs {
			if !maps.Equal(job.Permissions, want) {
				t.Errorf("%s: the job %s has the permissions %v, not %v", file, name, job.Permissions, want)
			}
		}
	}
}

// Dependabot looks into the folders that it is told of, and no others.
func TestDependabot(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	decode(t, ".github/dependabot.yml", &config)
	told := map[string][]string{}
	for _, update := range config.Updates {
		told[update.Ecosystem] = update.Directories
	}
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME")}
	files := lab.Command{Dir: lab.Path(), Env: env, Args: []string{"git", "ls-files"}}.Must(t).Stdout
	pinning := map[string]string{"go.mod": "gomod", "package-lock.json": "npm", "requirements.txt": "pip", "bases.Dockerfile": "docker"}
	for file := range strings.Lines(files) {
		folder, name := filepath.Split("/" + strings.TrimSpace(file))
		ecosystem, pins := pinning[name]
		if folder = filepath.Clean(folder); pins && !slices.Contains(told[ecosystem], folder) {
			t.Errorf("dependabot.yml does not name %s for %s", folder, ecosystem)
		}
	}
}

// The workflows run their jobs in images that Dependabot keeps, by digest.
func TestImagesByDigest(t *testing.T) {
	bases := lab.Read(t, lab.Path("internal", "release", "bases.Dockerfile"))
	for _, path := range workflows(t) {
		if !strings.HasPrefix(path, ".github/") {
			continue // an example's image is the reader's
		}
		for _, found := range regexp.MustCompile(`(?m)^ +(?:container|image): *(\S+)`).FindAllStringSubmatch(lab.Read(t, lab.Path(path)), -1) {
			if !regexp.MustCompile(`(?m)^FROM (docker\.io/library/)?` + regexp.QuoteMeta(found[1]) + ` AS `).MatchString(bases) {
				t.Errorf("%s runs a job in %s, which is not in internal/release/bases.Dockerfile", path, found[1])
			}
		}
	}
	for line := range strings.Lines(bases) {
		if strings.HasPrefix(line, "FROM ") && !regexp.MustCompile(`@sha256:[0-9a-f]{64} AS [a-z]+\n$`).MatchString(line) {
			t.Errorf("no digest in %s", line)
		}
	}
}

// docs/github.md shows each example, and none that is not there.
func TestExamplesAreInTheDocs(t *testing.T) {
	page := lab.Read(t, lab.Path("docs", "github.md"))
	named := map[string]bool{}
	for _, found := range regexp.MustCompile(`\(examples/github/([\w.-]+)\)`).FindAllStringSubmatch(page, -1) {
		named[found[1]] = true
	}
	if got, want := slices.Sorted(maps.Keys(named)), exampleFiles(t); !slices.Equal(got, want) {
		t.Errorf("docs/github.md names the examples\n%q, there are\n%q", got, want)
	}
}
