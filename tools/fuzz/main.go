// SPDX-License-Identifier: Apache-2.0

// Fuzz runs every fuzz target of the module in the current folder, for a time each:
//
//	fuzz [-time 1m] [-only REGEXP] [-tried FILE]
//
// A package's instrumented test is built once for all its targets, which "go test
// -fuzz" would link anew for each, and as many targets run side by side as there
// are processors, with one worker each. It ends with 1 where a target fails or runs
// nothing; the input that fails is then in the package's testdata/fuzz. Its last
// line says how many inputs were tried.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"quay-keyless/tools/tried"
)

func main() {
	limit := flag.Duration("time", time.Minute, "how long each target runs")
	only := flag.String("only", ".", "a regular expression for the targets' names")
	keep := flag.String("tried", "", "add the number of inputs to this file, for bin/ran")
	flag.Parse()
	if err := run(*limit, regexp.MustCompile(*only), *keep); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(limit time.Duration, only *regexp.Regexp, keep string) error {
	folder, err := os.MkdirTemp("", "fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // temporary
	targets, err := find(folder, only)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return fmt.Errorf("no target is called %s", only)
	}
	results := all(targets, limit)
	executed, failed := 0, 0
	for _, r := range results {
		executed += r.executed
		if r.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, len(targets))
	}
	fmt.Printf("%d inputs fuzzed in %d targets\n", executed, len(targets))
	if keep == "" {
		return nil
	}
	return tried.Trials{"fuzz": {{Count: executed, Kind: "fuzzed inputs"}}}.Keep(keep)
}

// all runs the targets side by side.
func all(targets []target, limit time.Duration) []result {
	results := make([]result, len(targets))
	slots := make(chan struct{}, runtime.NumCPU())
	var running sync.WaitGroup
	var printing sync.Mutex
	for i, t := range targets {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = t.fuzz(limit)
			printing.Lock()
			defer printing.Unlock()
			fmt.Println(results[i].words(t))
		})
	}
	running.Wait()
	return results
}

// result is what became of one target.
type result struct {
	executed int
	output   []byte
	err      error
}

func (r result) words(t target) string {
	if r.err != nil {
		return fmt.Sprintf("FAIL %s %s: %v\n%s", t.test.path, t.name, r.err, r.output)
	}
	return fmt.Sprintf("ok   %s %s: %d inputs", t.test.path, t.name, r.executed)
}

// progress is what the testing package says while it fuzzes, and before that, while
// it tries the inputs that it has already.
var progress = regexp.MustCompile(`(?m)^fuzz: elapsed: .*(?:, execs: |coverage: )(\d+)[ /]`)

// fuzz runs the target. One that ends well and has tried nothing has failed.
func (t target) fuzz(limit time.Duration) result {
	command := exec.Command(t.test.program, "-test.run=^$", "-test.fuzz=^"+t.name+"$", "-test.fuzztime="+limit.String(), "-test.fuzzminimizetime=1s", "-test.fuzzcachedir="+t.test.cache, "-test.parallel=1")
	command.Dir = t.test.folder
	output, err := command.CombinedOutput()
	r := result{output: output, err: err}
	if said := progress.FindAllSubmatch(output, -1); len(said) > 0 {
		r.executed, _ = strconv.Atoi(string(said[len(said)-1][1]))
	}
	late := bytes.Contains(output, []byte("context deadline exceeded")) && !bytes.Contains(output, []byte("Failing input written"))
	switch {
	case err != nil && late && r.executed > 0: // the end of the time, in the middle of an input
		r.err = nil
	case err != nil:
	case r.executed == 0:
		r.err = errors.New("it tried nothing")
	case bytes.Contains(output, []byte("not built with coverage instrumentation")):
		r.err = errors.New("it was tried blindly")
	}
	return r
}

func output(name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(command.Args, " "), err)
	}
	return strings.TrimSpace(string(text)), nil
}
