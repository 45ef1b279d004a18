// SPDX-License-Identifier: Apache-2.0

// Ran runs "go test" with its arguments for CI. It prints one line per package
// and the output of what failed, and counts a test that did not run as failed:
//
//	ran [go test's arguments]
//
// It fails if a test fails or is skipped, if a package runs no test (unless -run
// selects tests), and if no test ran at all. Cached results do not count, so it
// runs every test.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// event is one line of test2json ("go doc test2json").
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64
}

// tally is the result of the tests so far.
type tally struct {
	out      io.Writer
	selected bool                // -run selects tests, so a package may have none
	output   map[string][]string // by package and test, until the test ends
	tests    map[string]int      // passed, by package
	passed   int
	failed   int
	notRun   []string
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ran:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command := exec.Command("go", append([]string{"test", "-json", "-count=1"}, args...)...)
	command.Stderr = os.Stderr
	events, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	t := &tally{out: os.Stdout, output: map[string][]string{}, tests: map[string]int{}}
	t.selected = slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-run") })
	if err := t.read(events); err != nil {
		return errors.Join(err, command.Process.Kill(), command.Wait())
	}
	ended := command.Wait()
	if err := t.report(); err != nil {
		return err
	}
	if ended != nil {
		return fmt.Errorf("go test: %w", ended)
	}
	return nil
}

func (t *tally) read(events io.Reader) error {
	decoder := json.NewDecoder(events)
	for {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading go test -json: %w", err)
		}
		t.note(e)
	}
}

func (t *tally) note(e event) {
	name := strings.TrimSpace(e.Package + e.ImportPath + " " + e.Test)
	switch e.Action {
	case "output", "build-output":
		t.output[name] = append(t.output[name], e.Output)
	case "pass":
		delete(t.output, name)
		if e.Test == "" {
			t.end(e)
			return
		}
		t.passed++
		t.tests[e.Package]++
	case "fail", "build-fail":
		t.failed++
		fmt.Fprintf(t.out, "FAIL %s\n%s", name, strings.Join(t.output[name], ""))
	case "skip":
		if e.Test != "" { // otherwise a package without test files
			t.notRun = append(t.notRun, name+" was skipped")
		}
	}
}

// end notes that a package passed.
func (t *tally) end(e event) {
	tests := t.tests[e.Package]
	switch {
	case tests > 0:
		elapsed := time.Duration(e.Elapsed * float64(time.Second))
		fmt.Fprintf(t.out, "ok   %s: %d tests in %s\n", e.Package, tests, elapsed.Round(10*time.Millisecond))
	case !t.selected:
		t.notRun = append(t.notRun, e.Package+" ran no test")
	}
}

// report prints the tests that did not run and the last line.
func (t *tally) report() error {
	if t.passed == 0 {
		t.notRun = append(t.notRun, "no test ran")
	}
	for _, words := range t.notRun {
		fmt.Fprintln(t.out, "FAIL", words)
	}
	fmt.Fprintf(t.out, "%d passed, %d failed\n", t.passed, t.failed+len(t.notRun))
	if t.failed+len(t.notRun) > 0 {
		return errors.New("not every test ran and passed")
	}
	return nil
}
