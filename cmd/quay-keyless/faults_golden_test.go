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
	path  string
	names []string // in their order
	cases map[string]string
}

const caseMark = "# "

func readFaults(t *testing.T, endpoint string) *goldenFaults {
	t.Helper()
	g := &goldenFaults{path: filepath.Join("..", "..", "testdata", "faults", endpoint+".golden"), cases: map[string]string{}}
	if *update && whole {
		return g // the cases of the past go
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(string(mustRead(t, g.path)), caseMark), "\n"+caseMark) {
		name, said, _ := strings.Cut(part, "\n")
		g.set(name, strings.TrimRight(said, "\n"))
	}
	return g
}

func (g *goldenFaults) set(name, said string) {
	if _, known := g.cases[name]; !known {
		g.names = append(g.names, name)
	}
	g.cases[name] = said
}

// compare holds what a case came to against the file.
func (g *goldenFaults) compare(t *testing.T, name, said string) {
	t.Helper()
	said = strings.TrimRight(said, "\n")
	if *update {
		g.set(name, said)
	} else if want := g.cases[name]; said != want {
		t.Errorf("got:\n%s\nwant, by %s:\n%s", said, g.path, want)
	}
}

// write keeps all cases, with -update.
func (g *goldenFaults) write(t *testing.T) {
	t.Helper()
	if !*update {
		return
	}
	var text strings.Builder
	for _, name := range g.names {
		text.WriteString(caseMark + name + "\n" + g.cases[name] + "\n\n")
	}
	if err := os.WriteFile(g.path, []byte(strings.TrimSuffix(text.String(), "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
