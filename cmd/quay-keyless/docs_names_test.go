// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"quay-keyless/internal/cli"
)

// repository is what pages can name.
type repository struct {
	files   map[string]bool            // by their paths, folders with them
	bases   map[string]bool            // by their last names
	tests   map[string]map[string]bool // by name: the folders that have it
	targets map[string]bool            // of make
	flags   map[string]bool            // of any command
	// variables are those of the flags, and all others that the program looks at.
	variables map[string]bool
	lines     int // how many command lines were looked at
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{files: map[string]bool{}, bases: map[string]bool{}, tests: map[string]map[string]bool{}, targets: map[string]bool{}, flags: map[string]bool{}, variables: map[string]bool{
		"QUAY_CONTRACT_URL": true, "QUAY_CONTRACT_FILE": true, // of the tests
		"QUAY_LOGOUT": true, // of the action alone
	}}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(notOurs, entry.Name()) {
			return filepath.SkipDir
		}
		relative, err := filepath.Rel(root, name)
		r.files[filepath.ToSlash(relative)], r.bases[entry.Name()] = true, true
		if err == nil && strings.HasSuffix(name, "_test.go") {
			r.addTests(t, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range matches(read(t, "Makefile"), `(?m)^([a-z0-9]+):`) {
		r.targets[target] = true
	}
	commandLine := cli.Command(noEnv(map[string]bool{}))
	commandLine.InitDefaultCompletionCmd()
	for _, command := range everyCommand(commandLine) {
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			r.flags[flag.Name], r.variables["QUAY_"+strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))] = true, true
		})
	}
	for _, fields := range readPromises(t).of("variable") {
		r.variables[fields[1]] = true
	}
	return r
}

func (r *repository) addTests(t *testing.T, file string) {
	for _, name := range matches(read(t, file), `(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`) {
		if r.tests[name] == nil {
			r.tests[name] = map[string]bool{}
		}
		r.tests[name][path.Dir(file)] = true
	}
}

// codeSpan is a piece of code in a line of text. In a table a bar is escaped.
var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// made are what only a release has, or an installation.
var made = regexp.MustCompile(`^(action/bin|docs/examples/github/.*\*)`)

// history is the page about what was, and about other programs.
const history = "docs/decisions.md"

// prose looks at each piece of code in a page's text, and gives the number of commands.
func (r *repository) prose(t *testing.T, page, text string) (commands int) {
	t.Helper()
	for _, found := range codeSpan.FindAllStringSubmatch(text, -1) {
		code := strings.ReplaceAll(found[1], `\|`, "|")
		first, rest, _ := strings.Cut(code, " ")
		looksForeign := strings.HasPrefix(code, "--") || r.isPath(code)
		switch {
		case looksForeign && page == history: // other projects have files and flags, too
		case first == "quay-keyless" && rest != "", first == "make", first == "go":
			r.command(t, page, code)
			commands++
		case strings.HasPrefix(code, "--"):
			r.options(t, page, code)
		case strings.HasPrefix(code, "QUAY_"):
			if name := regexp.MustCompile(`^\w+`).FindString(code); !r.variables[name] && !strings.HasSuffix(name, "_") {
				t.Errorf("%s: nothing looks at the variable %s", page, name)
			}
		case regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`).MatchString(code):
			if r.tests[code] == nil {
				t.Errorf("%s: there is no test %s", page, code)
			}
		case r.isPath(code) && !made.MatchString(code):
			r.exists(t, page, code)
		case regexp.MustCompile(`^[a-z_0-9*]+(_test)?\.(go|js|sh|txtar)$`).MatchString(code):
			if !strings.Contains(code, "*") && !r.bases[code] {
				t.Errorf("%s: there is no file %s", page, code)
			}
		}
	}
	for _, name := range matches(text, "\\bscripts? `(\\w+)`") {
		r.exists(t, page, "testdata/script/"+name+".txtar")
	}
	return commands
}

// isPath reports whether code looks like a path into the repository.
func (r *repository) isPath(code string) bool {
	first, _, below := strings.Cut(code, "/")
	return below && first != "" && r.files[first] && !strings.ContainsAny(code, " <$:…") && code != "gitlab/quay-login"
}

// exists looks for a path, from the root or from the page's folder; it may have stars.
func (r *repository) exists(t *testing.T, page, name string) {
	t.Helper()
	name = strings.TrimSuffix(name, "/")
	for file := range r.files {
		for _, pattern := range []string{name, path.Join(path.Dir(page), name)} {
			if ok, _ := path.Match(pattern, file); ok {
				return
			}
		}
	}
	t.Errorf("%s: there is no %s", page, name)
}

// flagsOfOthers are flags of other programs that pages name, each with its program.
var flagsOfOthers = map[string]string{
	"service-account-issuer": "kube-apiserver", "service-account-jwks-uri": "kube-apiserver", "anonymous-auth": "kube-apiserver",
	"single-branch": "git clone", "no-tags": "git clone", "cert-dir": "podman", "build-arg": "buildah",
	"bundle": "gh attestation", "custom-trusted-root": "gh attestation", "source-ref": "gh attestation",
	"ref": "gh workflow",
}

// options looks at the flags of a piece of code that begins with one.
func (r *repository) options(t *testing.T, page, code string) {
	t.Helper()
	for _, name := range matches(code, `(?:^| )--([a-z-]+)`) {
		if !r.flags[name] && flagsOfOthers[name] == "" {
			t.Errorf("%s: no command has the flag --%s, nor is it one of flagsOfOthers", page, name)
		}
	}
}

// isTest reports whether a package, by its folder, has a test that an expression
// of "go test -run" names.
func (r *repository) isTest(folder, expression string) bool {
	name, _, _ := strings.Cut(strings.Trim(expression, `'"^$`), "/")
	folders := r.tests[strings.Trim(name, "^$")]
	return folders[folder] || folder == "..." && len(folders) > 0
}

// isFolder reports whether there is a folder of Go code.
func (r *repository) isFolder(name string) bool {
	info, err := os.Stat(filepath.Join("..", "..", name))
	return err == nil && info.IsDir()
}
