// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenFaults is the file of an endpoint's cases, each under its name.
type goldenFaults struct {
	path   string
	cases  map[string]string
	result strings.Builder
}

const caseMark = "# "

func readFaults(t *testing.T, endpoint string) *goldenFaults {
	t.Helper()
	g := &goldenFaults{path: filepath.Join("..", "..", "testdata", "faults", endpoint+".golden"), cases: map[string]string{}}
	if *update {
		return g
	}
	for part := range strings.SplitSeq("\n"+string(mustRead(t, g.path)), "\n"+caseMark) {
		name, said, _ := strings.Cut(part, "\n")
		g.cases[name] = strings.TrimSuffix(said, "\n")
	}
	return g
}

// compare holds what a case came to against the file.
func (g *goldenFaults) compare(t *testing.T, name, said string) {
	t.Helper()
	g.result.WriteString(caseMark + name + "\n" + said + "\n")
	if want := g.cases[name]; !*update && strings.TrimSuffix(said, "\n") != strings.TrimSuffix(want, "\n") {
		t.Errorf("got:\n%s\nwant, by %s:\n%s", said, g.path, want)
	}
}

// write keeps all that was compared, with -update.
func (g *goldenFaults) write(t *testing.T) {
	t.Helper()
	if *update {
		if err := os.WriteFile(g.path, []byte(g.result.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
