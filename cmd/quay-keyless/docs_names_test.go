// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"io/fs"
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
	files   map[string]bool // by their paths, folders with them
	targets map[string]bool // of make
	flags   map[string]bool // of any command
	// variables are those of the flags, and the others whose names begin with QUAY_.
	variables map[string]bool
	lines     int // how many command lines were looked at
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{files: map[string]bool{}, targets: map[string]bool{}, flags: map[string]bool{}, variables: map[string]bool{
		"QUAY_CONTRACT_URL": true, "QUAY_CONTRACT_FILE": true, // of the tests
		"QUAY_REGISTRY": true, "QUAY_API_TOKEN": true, "QUAY_ID_TOKEN": true,
		"QUAY_LOGOUT": true, "QUAY_HOLDER": true, "QUAY_KEYLESS_BINARY": true, // of the action alone
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
		r.files[filepath.ToSlash(relative)] = true
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
	return r
}

// codeSpan is a piece of code in a line of text. In a table a bar is escaped.
var codeSpan = regexp.MustCompile("`([^`\n]+)`")

// history is the page about what was, and about other programs.
const history = "docs/internals/decisions.md"

// prose looks at each piece of code in a page's text, and gives the number of commands.
func (r *repository) prose(t *testing.T, page, text string) (commands int) {
	t.Helper()
	for _, found := range codeSpan.FindAllStringSubmatch(text, -1) {
		code := strings.ReplaceAll(found[1], `\|`, "|")
		first, rest, _ := strings.Cut(code, " ")
		switch {
		case strings.HasPrefix(code, "--") && page == history: // other projects have flags, too
		case first == "quay-keyless" && rest != "", first == "make", first == "go":
			r.command(t, page, code)
			commands++
		case strings.HasPrefix(code, "--"):
			r.options(t, page, code)
		case strings.HasPrefix(code, "QUAY_"):
			if name := regexp.MustCompile(`^\w+`).FindString(code); !r.variables[name] && !strings.HasSuffix(name, "_") {
				t.Errorf("%s: nothing looks at the variable %s", page, name)
			}
		}
	}
	return commands
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
	"source-ref": "gh attestation",
	"ref":        "gh workflow",
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
