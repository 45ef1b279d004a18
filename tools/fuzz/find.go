// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test is the instrumented test of a package.
type test struct {
	path, folder, program string
	cache                 string // where go test -fuzz too keeps what it found
}

// target is one fuzz target.
type target struct {
	test test
	name string
}

// find builds the tests of all packages that have targets, and lists those.
func find(folder string, only *regexp.Regexp) ([]target, error) {
	list, err := output("go", "list", "-f", "{{.ImportPath}} {{.Dir}}", "./...")
	if err != nil {
		return nil, err
	}
	cache, err := output("go", "env", "GOCACHE")
	if err != nil {
		return nil, err
	}
	var targets []target
	for i, line := range strings.Split(list, "\n") {
		path, dir, _ := strings.Cut(line, " ")
		written, err := declared(dir)
		if err != nil {
			return nil, err
		}
		written = slices.DeleteFunc(written, func(name string) bool { return !only.MatchString(name) })
		if len(written) == 0 {
			continue
		}
		t := test{path: path, folder: dir, program: filepath.Join(folder, fmt.Sprintf("%d.test", i)), cache: filepath.Join(cache, "fuzz", path)}
		if err := t.build(written); err != nil {
			return nil, err
		}
		for _, name := range written {
			targets = append(targets, target{t, name})
		}
	}
	return targets, nil
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// declared are the targets in a package's files.
func declared(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range declaration.FindAllSubmatch(text, -1) {
			names = append(names, string(match[1]))
		}
	}
	return names, nil
}

// build compiles the test and looks whether each target is in it: a build tag
// could have left one out.
func (t test) build(names []string) error {
	if _, err := output("go", "test", "-c", "-fuzz=.", "-o", t.program, t.path); err != nil {
		return err
	}
	list, err := output(t.program, "-test.list=^Fuzz")
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(strings.Split(list, "\n"), name) {
			return fmt.Errorf("%s has no target %s in this build", t.path, name)
		}
	}
	return nil
}
