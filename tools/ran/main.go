// SPDX-License-Identifier: Apache-2.0

// Ran reads what "go test -json" says and shows what failed. It ends with 1
// where a test failed or was skipped, where a package ran none, and where one did
// not come to its end: a test that did not run has proved nothing.
//
// What tests tried (t.Attr("tried", "263 network faults")) it adds to the file
// that -tried names; "ran -table FILE" prints the sums.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"quay-keyless/tools/tried"
)

// event is one line of test2json ("go doc test2json").
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64
	Key, Value string // of attr
}

// tally is what is known of all packages so far.
type tally struct {
	out    io.Writer
	output map[string][]string // by package and test, until its outcome is known
	tests  map[string]int      // passed, by package
	passed int
	failed int
	bad    []string     // skipped tests, packages without tests or without an end
	open   []string     // packages that have begun and not ended
	said   tried.Trials // by package and test, until its outcome is known
	tried  tried.Trials // of tests that passed
}

func main() {
	keep := flag.String("tried", "", "add what the tests tried to this file")
	table := flag.String("table", "", "print what this file has, and read nothing")
	flag.Parse()
	if err := run(*keep, *table); err != nil {
		fmt.Fprintln(os.Stderr, "ran:", err)
		os.Exit(1)
	}
}

func run(keep, table string) error {
	if table != "" {
		known, err := tried.Read(table)
		if err != nil {
			return err
		}
		known.Table(os.Stdout)
		return nil
	}
	t := &tally{out: os.Stdout, output: map[string][]string{}, tests: map[string]int{}, said: tried.Trials{}, tried: tried.Trials{}}
	if err := t.read(os.Stdin); err != nil {
		return err
	}
	if !t.report() {
		return errors.New("not every test ran and passed")
	}
	if keep == "" {
		return nil
	}
	return t.tried.Keep(keep)
}

func (t *tally) read(in io.Reader) error {
	decoder := json.NewDecoder(in)
	for {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading go test -json: %w", err)
		}
		if err := t.note(e); err != nil {
			return err
		}
	}
}

func (t *tally) note(e event) error {
	key := e.Package + e.ImportPath + " " + e.Test
	if e.Test == "" {
		t.follow(e)
	}
	switch e.Action {
	case "attr":
		if e.Key != "tried" {
			return nil
		}
		one, err := tried.Parse(e.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		t.said[key] = append(t.said[key], one)
	case "output", "build-output":
		t.output[key] = append(t.output[key], e.Output)
	case "pass":
		delete(t.output, key)
		if e.Test != "" {
			t.passed++
			t.tests[e.Package]++
			if said, ok := t.said[key]; ok {
				t.tried[key] = said
			}
			return nil
		}
		elapsed := time.Duration(e.Elapsed * float64(time.Second))
		fmt.Fprintf(t.out, "ok  %s: %d tests in %s\n", e.Package, t.tests[e.Package], elapsed.Round(10*time.Millisecond))
		if t.tests[e.Package] == 0 {
			t.bad = append(t.bad, e.Package+" ran no test")
		}
	case "fail", "build-fail":
		t.failed++
		fmt.Fprintf(t.out, "FAIL %s\n", key)
		for _, line := range t.output[key] {
			fmt.Fprint(t.out, line)
		}
	case "skip":
		if e.Test != "" { // else a package without test files
			t.bad = append(t.bad, key+" was skipped")
		}
	}
	return nil
}

// follow notes which packages have begun and not ended. What is left at the end
// of the input was cut off: a shell's pipe hides that go itself was killed.
func (t *tally) follow(e event) {
	switch e.Action {
	case "start":
		t.open = append(t.open, e.Package)
	case "pass", "fail", "skip":
		t.open = slices.DeleteFunc(t.open, func(name string) bool { return name == e.Package })
	}
}

// report prints the last line, and says whether all is well.
func (t *tally) report() bool {
	if t.passed == 0 {
		t.bad = append(t.bad, "no test ran")
	}
	for _, name := range t.open {
		t.bad = append(t.bad, name+" did not come to its end")
	}
	slices.Sort(t.bad)
	for _, words := range t.bad {
		fmt.Fprintln(t.out, "FAIL", words)
	}
	fmt.Fprintf(t.out, "%d passed, %d failed\n", t.passed, t.failed+len(t.bad))
	return t.failed == 0 && len(t.bad) == 0
}
